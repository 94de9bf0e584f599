"""The keys of the language, object by object: what each may hold, what it holds inside, which spellings mean the same.

One line of words per kind of object. ``key`` holds a plain value or free data, ``key:kind`` one object, ``key:*kind`` several
(a list, or a map by name), ``old=key`` is another spelling of ``key``. The schemas under ``schemas/`` list the same keys; a
test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from naftiko_run.records import record

_DESCRIBED = "description tags label display=label title=label summary"
_NAMED = f"name id=name {_DESCRIBED}"
_INPUTS = (
    "inputParameters:*parameter inputs=inputParameters parameters=inputParameters input_parameters=inputParameters "
    "inputParams=inputParameters"
)
_FLOW = f"call with steps:*step mappings:*mapping ref outputParameters:*output outputs=outputParameters {_INPUTS}"
_IMPORT = "from import as"
_SERVER = "type namespace port address description authentication:authentication auth=authentication tags maxBinarySize"

_WORDS = {
    "document": "naftiko ikanos info:info capability:capability consumes:*consumer exposes:*exposure "
    "aggregates:*aggregate binds:*bind externalRefs:*externalRef",
    "info": "label display=label title=label name=label description tags created modified version personas related "
    "stakeholders:*stakeholder",
    "stakeholder": "role fullName email",
    "capability": "consumes:*consumer exposes:*exposure aggregates:*aggregate binds:*bind",
    "bind": f"namespace description location keys {_IMPORT}",
    "externalRef": "name description type resolution uri keys",
    # what is consumed
    "consumer": "type namespace description tags label display=label baseUri headers authentication:authentication "
    f"auth=authentication tunnel:tunnel {_INPUTS} resources:*resource {_IMPORT} location=from ref openapi",
    "resource": f"{_NAMED} path {_INPUTS} operations:*operation",
    "operation": f"{_NAMED} method path {_INPUTS} body outputRawFormat outputSchema outputParameters:*output "
    "outputMediaType maxBinarySize",
    "parameter": "name id=name in value template type required default description label display=label pattern enum items "
    "format mapping properties minimum maximum",
    "output": "name type value mapping const properties:*output items values description required enum minItems maxItems "
    "maxLength",
    "tunnel": "type service identity fallback",
    "authentication": "type scheme username user password token key value secret placement in name header headers parameters "
    # OAuth 2
    "authorizationServerUri issuer resource audience scopes scope tokenEndpoint tokenUrl tokenUri tokenValidation grantType "
    "grant flow clientId clientSecret clientAuthentication refreshToken accessToken "
    # signatures
    "consumerKey clientKey consumerSecret signingKey privateKey rsaKey signatureMethod tokenSecret accessTokenSecret apiId "
    "apiKey accessKeyId accessKey secretKey secretAccessKey sessionToken region service "
    # client certificates
    "certPath certificate cert certFile certPassword keyPassword passphrase keyPath keyFile",
    # what is exposed
    "exposure": _SERVER,
    "rest": f"{_SERVER} {_INPUTS} resources:*restResource paths",
    "restResource": f"{_NAMED} path {_INPUTS} operations:*restOperation forward:forward",
    "restOperation": f"{_NAMED} method path {_FLOW} responses responseBinary:responseBinary",
    "responseBinary": "status mediaType description format encoding",
    "forward": "targetNamespace trustedHeaders",
    "mcp": f"{_SERVER} transport tools:*tool resources:*mcpResource prompts:*prompt ttlMs cacheScope",
    "tool": f"{_NAMED} {_FLOW} hints:hints",
    "hints": "readOnly destructive idempotent openWorld",
    "mcpResource": f"{_NAMED} {_FLOW} uri mimeType location binary",
    "prompt": f"{_NAMED} arguments:*argument template:*message location",
    "argument": f"{_NAMED} required",
    "message": "role content",
    "skill": f"{_SERVER} skills:*skillItem",
    "skillItem": "name id=name description license compatibility metadata allowed-tools argument-hint user-invocable "
    "disable-model-invocation location tools:*skillTool",
    "skillTool": "name id=name description from:skillSource instruction",
    "skillSource": "sourceNamespace action",
    "control": f"{_SERVER} management:management observability:observability",
    "management": "health info reload validate logs:logs scripting:scripting",
    "logs": "level-control stream max-subscribers",
    "scripting": "enabled defaultLocation defaultLanguage timeout statementLimit allowedLanguages",
    "observability": "enabled metrics:metrics traces:traces exporters:exporters",
    "metrics": "local:switch",
    "traces": "sampling propagation local:traceBuffer",
    "switch": "enabled",
    "traceBuffer": "enabled buffer-size",
    "exporters": "otlp:otlp",
    "otlp": "endpoint",
    # reusable flows
    "aggregate": f"namespace {_DESCRIBED} flows:*flow functions=flows {_IMPORT}",
    "flow": f"{_NAMED} {_FLOW} semantics:semantics outputMediaType",
    "semantics": "safe idempotent cacheable",
    "step": "name type call with index match lookupValue outputParameters file script language location dependencies",
    "mapping": "target targetName=target value",
}


@record
class Key:
    """One key of an object: its newest spelling, the kind of object below it, and whether there are several."""

    name: str
    kind: str = ""
    several: bool = False


def _keys(words: str) -> Mapping[str, Key]:
    keys: dict[str, Key] = {}
    synonyms: list[tuple[str, str]] = []
    for word in words.split():
        old, _, new = word.partition("=")
        if new:
            synonyms.append((old, new))
            continue
        name, _, kind = word.partition(":")
        keys[name] = Key(name=name, kind=kind.lstrip("*"), several=kind.startswith("*"))
    keys.update((old, keys[new]) for old, new in synonyms)
    return MappingProxyType(keys)


LANGUAGE: Mapping[str, Mapping[str, Key]] = MappingProxyType({kind: _keys(words) for kind, words in _WORDS.items()})
"""Kind of object -> its keys in every spelling."""

EXPOSURE_TYPES: Mapping[str, str] = MappingProxyType(
    {"rest": "rest", "api": "rest", "mcp": "mcp", "skill": "skill", "control": "control"}
)
"""What an author writes as ``type`` of an exposure -> the kind of object that it is."""
