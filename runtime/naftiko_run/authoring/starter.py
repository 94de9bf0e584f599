"""A name and an address in, the text of a commented starter capability out: it validates clean and serves with ``--mock``."""

from __future__ import annotations

import re
from datetime import date

from naftiko_run.authoring.importers.naming import kebab, upper_snake
from naftiko_run.consumes.base_uri import split_base
from naftiko_run.errors import BindingError

DEFAULT_BASE_URI = "https://api.example.org"


def starter(name: str, *, base_uri: str, port: int = 8080, namespace: str = "", today: date | None = None) -> str:
    """The text for a capability called ``name`` that calls ``base_uri``."""
    own = kebab(namespace or name)
    if not own:
        raise BindingError(f"{name!r} is no name for a capability", code="E-USAGE", hint="use letters and digits")
    origin, _, problem = split_base(base_uri)
    if origin is None or "{" in base_uri:
        raise BindingError(
            f"the base URI is unusable: {problem or 'it holds braces'}", code="E-USAGE", hint="https://api.shop.com/v1"
        )
    if not 1 <= port <= 65534:
        raise BindingError(f"{port} is not a port", code="E-USAGE", hint="a number from 1 to 65534")
    values = {
        "title": re.sub(r"[-_]+", " ", name).strip().capitalize(), "namespace": own, "variable": f"{upper_snake(own)}_TOKEN",
        "base": base_uri.rstrip("/"), "port": str(port), "mcp": str(port + 1), "today": (today or date.today()).isoformat(),
    }  # fmt: skip
    return re.sub(r"<(\w+)>", lambda match: values[match[1]], _TEXT)


_TEXT = """\
# What this file is written in.
ikanos: 1.0.0-beta5
info:
  display: <title>
  description: <title>, over REST and MCP.
  tags: [starter]
  created: '<today>'
  modified: '<today>'

# Variables that come from outside: the name used below, and the environment variable it is read from.
binds:
- namespace: env
  keys:
    <variable>: <variable>

capability:
  # The API that is called. Every operation below becomes callable as NAMESPACE.OPERATION.
  consumes:
  - type: http
    namespace: <namespace>
    description: The API behind <title>.
    baseUri: <base>
    # Sent with every request. Other types: basic, apikey, digest, oauth2. Leave it out if there is none.
    authentication:
      type: bearer
      token: '{{<variable>}}'
    resources:
      items:
        path: /items
        operations:
          list-items:
            method: GET
            inputParameters:
              limit: {in: query}
          create-item:
            method: POST
            inputParameters:
              name: {in: body}
            # What is sent; {{name}} is the input above.
            body:
              type: json
              data: {name: '{{name}}'}
      item:
        path: /items/{{id}}
        operations:
          get-item:
            method: GET
            inputParameters:
              id: {in: path}

  # What callers see of it.
  exposes:
  - type: rest
    namespace: <namespace>-rest
    port: <port>
    resources:
      items:
        path: /items
        description: All items.
        operations:
          list-items:
            method: GET
            description: List items.
            call: <namespace>.list-items
            inputParameters:
              limit: {in: query, type: integer, description: How many at most.}
          create-item:
            method: POST
            description: Create an item.
            call: <namespace>.create-item
            inputParameters:
              name: {in: body, type: string, description: What it is called.}
      item:
        path: /items/{id}
        description: One item.
        operations:
          get-item:
            method: GET
            description: Get one item.
            call: <namespace>.get-item
            inputParameters:
              id: {in: path, type: string, description: Which item.}
            # Only these fields are passed on. Leave outputParameters out to pass on everything.
            outputParameters:
            - type: object
              properties:
                id: {type: string, mapping: $.id}
                name: {type: string, mapping: $.name}

  - type: mcp
    namespace: <namespace>-mcp
    port: <mcp>
    description: Tools for <title>.
    tools:
      list-items:
        description: List items.
        hints: {readOnly: true, destructive: false, idempotent: true}
        call: <namespace>.list-items
        inputParameters:
          limit: {type: integer, description: How many at most., required: false}
      get-item:
        description: Get one item.
        hints: {readOnly: true, destructive: false, idempotent: true}
        call: <namespace>.get-item
        inputParameters:
          id: {type: string, description: Which item., required: true}
"""
