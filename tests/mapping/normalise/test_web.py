"""Domains and URLs."""

import pytest

from mapping.normalise import Misfit, domain, url


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("nordwerk.test", "nordwerk.test"),
        ("WWW.Nordwerk.test.", "nordwerk.test"),
        ("https://www.nordwerk.test/a?b#c", "nordwerk.test"),
        ("nordwerk.test/about", "nordwerk.test"),
        ("nordwerk.test:8080", "nordwerk.test"),
        ("mara@nordwerk.test", "nordwerk.test"),
        ("https://user:pass@nordwerk.test", "nordwerk.test"),
        ("shop.nordwerk.co.uk", "shop.nordwerk.co.uk"),
        ("www.test", "www.test"),
        ("müller.test", "xn--mller-kva.test"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("উদাহরণ.test", "xn--d5b6ci4b4b3a.test"),
        ("مثال.test", "xn--mgbh0fb.test"),
        ("", None),
    ],
)
def test_domains(raw: str, told: str | None) -> None:
    assert domain.normalise(raw) == told


@pytest.mark.parametrize(
    "raw",
    ["nordwerk", "localhost", "192.168.0.1", "http://[::1]/", "nord werk.test", "-a.test", "a..test",
     "x" * 64 + ".test", "http://[", "👩🏽.test", 12, True, ["a.test"]],
    ids=ascii,
)  # fmt: skip
def test_no_domains(raw: object) -> None:
    with pytest.raises(Misfit, match="domain"):
        domain.normalise(raw)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nordwerk.com", "nordwerk.com"),
        ("shop.eu.nordwerk.com", "nordwerk.com"),
        ("shop.nordwerk.co.uk", "nordwerk.co.uk"),
        ("a.b.nordwerk.com.bd", "nordwerk.com.bd"),
        ("co.uk", "co.uk"),
        ("a.b.test", "b.test"),
    ],
)
def test_the_part_that_somebody_registered(name: str, told: str) -> None:
    assert domain.registrable(name) == told


@pytest.mark.parametrize(
    "name", ["gmail.com", "web.de", "yahoo.co.jp", "hotmail.es", "outlook.com.br", "gmx.net", "qq.com"]
)
def test_domains_of_free_mail(name: str) -> None:
    assert domain.is_free_mail(name)


@pytest.mark.parametrize("name", ["nordwerk.test", "notgmail.com", "yahoo.nordwerk.test", "outlook.nordwerk.com"])
def test_domains_of_nobody_else(name: str) -> None:
    assert not domain.is_free_mail(name)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("https://nordwerk.test", "https://nordwerk.test"),
        ("https://nordwerk.test/", "https://nordwerk.test"),
        ("HTTPS://Nordwerk.TEST:443/A", "https://nordwerk.test/A"),
        ("http://nordwerk.test:80", "http://nordwerk.test"),
        ("nordwerk.test", "https://nordwerk.test"),
        ("nordwerk.test:8080/a", "https://nordwerk.test:8080/a"),
        ("//nordwerk.test/a", "https://nordwerk.test/a"),
        ("www.nordwerk.test", "https://www.nordwerk.test"),
        ("http://localhost:8000/x", "http://localhost:8000/x"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://müller.test/ü b?q=ä&r=%c3%bc#é", "https://xn--mller-kva.test/%C3%BC%20b?q=%C3%A4&r=%C3%BC#%C3%A9"),
        ("https://nordwerk.test/100%", "https://nordwerk.test/100%25"),
        ("https://nordwerk.test/a\n", "https://nordwerk.test/a"),
        ("https://www.linkedin.com/in/mara-lind/", "https://www.linkedin.com/in/mara-lind/"),
        ("", None),
    ],
)
def test_urls(raw: str, told: str | None) -> None:
    assert url.normalise(raw) == told


@pytest.mark.parametrize(
    "raw",
    ["javascript:alert(1)", "mailto:mara@nordwerk.test", "ftp://nordwerk.test", "https://", "https:///a", "nordwerk",
     "https://user:pass@nordwerk.test", "https://nord werk.test", "https://nordwerk.test:99999", "https://[::1",
     "https://nordwerk.test\\@evil.test", "https://a.test/\ud800", "https://a.test/" + "x" * 3000, 12, True],
    ids=lambda raw: ascii(raw)[:40],
)  # fmt: skip
def test_no_urls(raw: object) -> None:
    with pytest.raises(Misfit, match="web address"):
        url.normalise(raw)
