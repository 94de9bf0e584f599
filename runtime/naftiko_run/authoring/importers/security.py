"""Security schemes in, one ``authentication`` block and the variables it needs out.

A consumer has one block, so the scheme that most operations require wins; further keys that it goes together with become fixed
inputs. No secret is ever written: every value is the name of a variable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from naftiko_run.authoring.importers.draft import Draft, DraftInput
from naftiko_run.authoring.importers.naming import upper_snake
from naftiko_run.authoring.importers.references import JsonObject, References, as_list, as_map, text_of

HTTP_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def add_security(draft: Draft, document: JsonObject, references: References) -> None:
    """Give ``draft`` its authentication."""
    schemes = {name: references.resolve(one) for name, one in _schemes(document).items()}
    chosen = _chosen(document, schemes)
    if not chosen:
        return
    first = _main(chosen, schemes)
    draft.authentication = _block(first, schemes[first], draft, references)
    for name in chosen:
        if name != first:
            _add_fixed(name, schemes[name], draft, references)
    _say_what_is_left(document, schemes, chosen, references)


def _schemes(document: JsonObject) -> Mapping[str, object]:
    return as_map(as_map(document.get("components")).get("securitySchemes"))


def _requirements(document: JsonObject) -> Iterator[tuple[str, ...]]:
    """The alternatives that hold for each operation, the document's own where it says nothing; the first of each."""
    general = as_list(document.get("security"))
    for item in as_map(document.get("paths")).values():
        for method, operation in as_map(item).items():
            if method in HTTP_METHODS and isinstance(operation, dict):
                alternatives = as_list(operation.get("security")) if "security" in operation else general
                yield next((tuple(as_map(one)) for one in alternatives if as_map(one)), ())


def _chosen(document: JsonObject, schemes: Mapping[str, JsonObject]) -> tuple[str, ...]:
    counted = Counter(names for names in _requirements(document) if names and all(name in schemes for name in names))
    if counted:
        return counted.most_common(1)[0][0]
    # Declared and never required: nearly always an omission.
    return tuple(schemes)[:1]


def _main(chosen: Iterable[str], schemes: Mapping[str, JsonObject]) -> str:
    """Of schemes that go together, the one that is no plain key."""
    names = list(chosen)
    return next((name for name in names if text_of(schemes[name].get("type")).lower() != "apikey"), names[0])


def variable(draft: Draft, suffix: str) -> str:
    """A variable of the API, declared; the tag that stands for its value."""
    name = f"{upper_snake(draft.namespace)}_{suffix}"
    name = f"API_{name}" if name[0].isdigit() else name
    draft.variables[name] = None
    return f"{{{{{name}}}}}"


def _block(name: str, scheme: JsonObject, draft: Draft, references: References) -> Mapping[str, object] | None:
    kind, word = text_of(scheme.get("type")).lower(), text_of(scheme.get("scheme")).lower()
    if kind == "apikey":
        return _apikey(scheme, draft)
    if kind == "http" and word in ("basic", "digest"):
        return {"type": word, "username": variable(draft, "USERNAME"), "password": variable(draft, "PASSWORD")}
    if kind == "http" and word == "bearer":
        return {"type": "bearer", "token": variable(draft, "TOKEN")}
    if kind == "oauth2":
        return _oauth2(scheme, draft, references)
    if kind == "openidconnect":
        return _own_token(name, draft, references)
    place = f"components.securitySchemes.{name}"
    hint = "write the authentication yourself, or supply it with --bearer or --api-key"
    references.warn("W-IMPORT-SECURITY", f"security scheme {name!r} ({kind} {word}) is not carried over", place, hint)
    return None


def _apikey(scheme: JsonObject, draft: Draft) -> Mapping[str, object] | None:
    place = text_of(scheme.get("in"), "header")
    if place == "cookie":
        value = variable(draft, "API_KEY")
        wire = text_of(scheme.get("name"))
        draft.fixed.append(DraftInput(name=wire, wire=wire, place="cookie", value=value))
        return None
    return {"type": "apikey", "key": text_of(scheme.get("name")), "value": variable(draft, "API_KEY"), "placement": place}


def _oauth2(scheme: JsonObject, draft: Draft, references: References) -> Mapping[str, object]:
    flow = as_map(as_map(scheme.get("flows")).get("clientCredentials"))
    url = text_of(flow.get("tokenUrl"))
    if not url.startswith("https://"):
        return _own_token("OAuth 2", draft, references)
    block: dict[str, object] = {
        "type": "oauth2", "grantType": "client_credentials", "tokenEndpoint": url,
        "clientId": variable(draft, "CLIENT_ID"), "clientSecret": variable(draft, "CLIENT_SECRET"),
    }  # fmt: skip
    scopes = list(as_map(flow.get("scopes")))
    if scopes:
        references.note("N-IMPORT-SECURITY", "no scopes are asked for; the service offers " + ", ".join(scopes[:10]),
                        "components.securitySchemes", "add `scopes` to the authentication where it needs some")  # fmt: skip
    return block


def _own_token(name: str, draft: Draft, references: References) -> Mapping[str, object]:
    tag = variable(draft, "ACCESS_TOKEN")
    hint = "obtain an access token yourself and set the variable"
    message = f"{name} signs a person in, which a server cannot; {tag.strip('{}')} is sent as bearer token instead"
    references.warn("W-IMPORT-SECURITY", message, "components.securitySchemes", hint)
    return {"type": "bearer", "token": tag}


def _add_fixed(name: str, scheme: JsonObject, draft: Draft, references: References) -> None:
    """A key that is sent beside the main credential."""
    wire, place = text_of(scheme.get("name")), text_of(scheme.get("in"))
    if text_of(scheme.get("type")).lower() != "apikey" or place not in ("header", "query", "cookie") or not wire:
        references.warn("W-IMPORT-SECURITY", f"security scheme {name!r} is required too and is not carried over")
        return
    tag = variable(draft, upper_snake(name) or "KEY")
    draft.fixed.append(DraftInput(name=wire, wire=wire, place=place, value=tag))


def _say_what_is_left(
    document: JsonObject, schemes: Mapping[str, JsonObject], chosen: tuple[str, ...], references: References
) -> None:
    others = sorted({name for names in _requirements(document) for name in names if name not in chosen and name in schemes})
    if others:
        listed = ", ".join(map(repr, others))
        references.warn("W-IMPORT-SECURITY", f"some operations require {listed}; all are called with {', '.join(chosen)}",
                        "security", "import them apart with --tag, and give that file another authentication")  # fmt: skip
