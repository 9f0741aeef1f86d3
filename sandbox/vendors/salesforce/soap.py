"""SOAP, as far as older clients need it: `login()` of the Partner API, whose session REST takes too.

Source: SOAP API Developer Guide, "login()"; read 2026-11-23. The vendor retires this call with Summer '27.
"""

from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sandbox.state import Record
from sandbox.vendors.salesforce.auth import IDLE, Grants
from sandbox.web import Answer, Call

PATH: Final = "/services/Soap/u/"
_MEDIA_TYPE: Final = "text/xml; charset=utf-8"
_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)


class Soap:
    def __init__(self, grants: Grants, user: Record, org_id: str) -> None:
        self._grants, self._user, self._org_id = grants, user, org_id

    def answer(self, call: Call) -> Answer:
        """`POST /services/Soap/u/66.0`."""
        try:
            asked = {_name(element): element.text or "" for element in ElementTree.fromstring(call.body).iter()}
        except ElementTree.ParseError:
            return _fault("UNKNOWN_EXCEPTION", "the body is no XML")
        if "login" not in asked:
            return _fault("INVALID_OPERATION", "the sandbox knows login and no other call")
        if not self._grants.knows(asked.get("username", ""), asked.get("password", "")):
            return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
        return Answer(200, _ENVELOPE.format(self._opened(call)).encode(), media_type=_MEDIA_TYPE)

    def _opened(self, call: Call) -> str:
        version = call.path.removeprefix(PATH).strip("/")
        user = self._user
        told = {
            "passwordExpired": "false",
            "serverUrl": f"{call.base}{PATH}{version}/{self._org_id[:15]}",
            "sessionId": self._grants.open(call.now),
            "userId": user["Id"],
        }
        about = {
            "organizationId": self._org_id,
            "sessionSecondsValid": str(int(IDLE.total_seconds())),
            "userEmail": user["Email"],
            "userFullName": user["Name"],
            "userId": user["Id"],
            "userName": user["Username"],
            "userTimeZone": user["TimeZoneSidKey"],
        }
        result = f"{_elements(told)}<userInfo>{_elements(about)}</userInfo>"
        return f"<loginResponse><result>{result}</result></loginResponse>"


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _elements(values: Record) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _fault(code: str, message: str) -> Answer:
    said = f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{escape(message)}</sf:exceptionMessage>"
    body = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        f'<detail><sf:LoginFault xsi:type="sf:LoginFault">{said}</sf:LoginFault></detail></soapenv:Fault>'
    )
    return Answer(500, _ENVELOPE.format(body).encode(), media_type=_MEDIA_TYPE)
