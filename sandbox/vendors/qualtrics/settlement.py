"""How the world's people got into the directory: from the CRM by an import, with its ids, and by hand without."""

from datetime import timedelta
from typing import Final

from sandbox.ids import token
from sandbox.people import Person, typo
from sandbox.state import Record
from sandbox.vendors.qualtrics.directory import Directory, membership
from sandbox.vendors.qualtrics.surveys import OWNER
from sandbox.world import RAHIM, World

_LISTS: Final = ("Customers", "Newsletter Süd 📬")
_SEGMENTS: Final = ("Gold", "Silver", "Bronze")


def settle(world: World, directory: Directory) -> dict[int, Record]:
    """Fill the directory; the contact of each person who has one."""
    rng = world.draw("qualtrics", "directory")
    for nth, name in enumerate(_LISTS):
        key = f"CG_{token(15, world.seed, 'list', nth)}"
        made = world.anchor - timedelta(days=700 - nth * 100)
        directory.lists[key] = {
            "mailingListId": key, "name": name, "ownerId": OWNER, "creationDate": made, "lastModifiedDate": made,
        }  # fmt: skip
    customers, newsletter = directory.lists
    # One import changed more contacts within its second than fit on a page.
    bulk = world.anchor - timedelta(days=23, hours=7, seconds=41)
    found: dict[int, Record] = {}
    for person in world.people:
        known = person.number <= RAHIM or person.number in world.fates.values() or rng.random() < 0.55
        added = world.anchor - timedelta(seconds=rng.randrange(3 * 86400, 3 * 365 * 86400))
        changed = added + (world.anchor - added) * rng.random() ** 0.5
        if rng.random() < 0.15 and added < bulk:
            changed = bulk
        out = rng.random() < 0.03 or person.number == world.fates.get("unsubscribed")
        twice = person.number > RAHIM and rng.random() < 0.02
        by_hand = person.number > RAHIM and rng.random() < 0.2
        tier, listed, slip = rng.choice(_SEGMENTS), rng.random() < 0.3, rng.random() < 0.05
        if not known:
            continue
        contact = _contact(world, person, by_hand=by_hand, segment=tier)
        contact |= {
            "contactId": f"CID_{token(15, world.seed, 'contact', person.number)}",
            "creationDate": added.replace(microsecond=0),
            "lastModified": changed.replace(microsecond=0),
            "directoryUnsubscribed": out,
            "directoryUnsubscribeDate": changed.replace(microsecond=0) if out else None,
        }
        if slip and by_hand:
            contact["lastName"] = contact["lastName"] and typo(rng, contact["lastName"])
        lists = [customers, *([newsletter] if listed else [])]
        contact["_lists"] = {key: membership(contact["contactId"], key) for key in lists}
        directory.contacts.put(contact["contactId"], contact)
        found[person.number] = contact
        if twice:
            again = {**contact, "contactId": f"CID_{token(15, world.seed, 'again', person.number)}", "extRef": None}
            directory.contacts.put(again["contactId"], {**again, "_lists": {}, "embeddedData": {}})
    return found


def _contact(world: World, person: Person, *, by_hand: bool, segment: str) -> Record:
    crm_id = world.crm_id(person)
    embedded: dict[str, str] = {}
    if crm_id is not None and not by_hand:
        embedded["contact_id"] = str(crm_id)
        account = None if person.company is None else world.organizations.get(person.company)
        if account is not None:
            embedded["account_id"] = str(account)
        embedded["segment"] = segment
    family = person.family and person.family[1 if by_hand else 0]
    return {
        "firstName": person.given[1 if by_hand else 0],
        "lastName": family or None,
        "email": person.work_email or person.private_email,
        "phone": person.phone if person.number % 3 else None,
        "extRef": f"CRM-{crm_id}" if crm_id is not None and not by_hand else None,
        "language": person.culture.language.lower(),
        "embeddedData": embedded,
    }
