#!/usr/bin/env python3
"""Writes docs.json, the event page and the problem pages from the documents: pages.py OUTDIR (see build)."""

import json
import pathlib
import sys
from html import escape

import yaml

HERE = pathlib.Path(__file__).resolve().parent

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Orderline</title>
<link rel="icon" href="/docs/favicon.svg">
<link rel="stylesheet" href="/docs/orderline.css">
</head>
<body>
<a class="skip" href="#main">Skip to the contents</a>
<header>
<a class="home" href="/">Orderline</a>
<h1>{title}</h1>
<p class="lead">{lead}</p>
</header>
<main id="main">
{body}
</main>
<footer>{footer}</footer>
</body>
</html>
"""


def load(name):
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def page(path, title, lead, body, footer=""):
    write(path, PAGE.format(title=escape(title), lead=lead, body=body, footer=footer))


def prose(text):
    """Plain text to HTML; `words` between backquotes become code."""
    parts = escape(text.strip(), quote=False).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def paragraphs(text):
    return [prose(part.replace("\n", " ")) for part in text.strip().split("\n\n")]


def table(heads, rows):
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table></div>\n'


def shape(schema):
    """What a member may hold, in a few words."""
    if "const" in schema:
        return f"<code>{escape(schema['const'])}</code>"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(word)}</code>" for word in schema["enum"])
    if schema["type"] == "array":
        return "array of objects"
    if schema.get("format") == "uuid":
        return "UUID"
    if schema.get("format") == "date-time":
        return "time"
    return schema["type"]


def member_rows(schema, prefix=""):
    """One row a member, those of nested objects below their own."""
    for name, member in schema["properties"].items():
        optional = "" if name in schema.get("required", []) else ", optional"
        yield (f"<code>{escape(prefix + name)}</code>", shape(member) + optional, prose(member.get("description", "")))
        if "properties" in member:
            yield from member_rows(member, f"{prefix}{name}.")
        elif "properties" in member.get("items", {}):
            yield from member_rows(member["items"], f"{prefix}{name}[].")


def programs(document, channel, event, action):
    reference = f"#/channels/{channel}/messages/{event}"
    return [
        operation["title"]
        for operation in document["operations"].values()
        if operation["action"] == action and {"$ref": reference} in operation["messages"]
    ]


def event_section(document, channel, event):
    schema = json.loads((HERE / "events" / f"{event}.json").read_text(encoding="utf-8"))
    sample = (HERE / "events" / "samples" / f"{event}.json").read_text(encoding="utf-8")
    made = ", ".join(programs(document, channel, event, "send"))
    taken = ", ".join(programs(document, channel, event, "receive")) or "nobody here"
    return f"""<section class="event card" id="{event}">
<h3>{event}</h3>
<p>{prose(schema['description'])}</p>
<p class="who">Made by {made}. Taken by {taken}. <a href="/docs/events/{event}.json">JSON Schema</a></p>
<div class="parts">
<div>{table(("Member", "Holds", "Meaning"), member_rows(schema))}</div>
<div><pre tabindex="0" aria-label="Sample of {event}"><code>{escape(sample.strip(), quote=False)}</code></pre></div>
</div>
</section>
"""


def events_page(out):
    document = load("asyncapi.yaml")
    lead, *rest = paragraphs(document["info"]["description"])
    body = "".join(f"<p>{text}</p>\n" for text in rest)
    channels = document["channels"]
    links = "".join(f'<li><a href="#{e}">{e}</a></li>\n' for channel in channels.values() for e in channel["messages"])
    body += f'<nav aria-label="Events"><ul class="toc">\n{links}</ul></nav>\n'

    headers = document["components"]["messageTraits"]["event"]["headers"]
    body += "<h2>Headers of every event</h2>\n"
    body += table(("Header", "Holds", "Meaning"), member_rows(headers))
    for name, channel in channels.items():
        kafka = channel["bindings"]["kafka"]
        body += f"<h2>Topic <code>{channel['address']}</code></h2>\n"
        body += f"<p>{prose(channel['description'])} {kafka['partitions']} partitions; the key is the order's id.</p>\n"
        body += "".join(event_section(document, name, event) for event in channel["messages"])
    footer = '<a href="/docs/events/asyncapi.yaml">AsyncAPI 3.0 document</a> · <a href="/docs">The API</a>'
    page(out / "docs/events/index.html", document["info"]["title"], lead, body, footer)


def problem_pages(out, document):
    footer = '<a href="/problems/">All problems</a> · <a href="/docs">The API</a>'
    rows = []
    for problem in document["x-problems"]:
        slug = problem["code"].replace("_", "-")
        body = f"""<p><code>{problem['code']}</code> <span class="status">HTTP {problem['status']}</span></p>
<h2>What it means</h2>
<p>{prose(problem['meaning'])}</p>
<h2>What to do</h2>
<p>{prose(problem['advice'])}</p>"""
        page(out / f"problems/{slug}.html", problem["title"], "A problem that the order API may answer.", body, footer)
        link = f'<a href="/problems/{slug}">{escape(problem["title"])}</a>'
        rows.append((f"<code>{problem['code']}</code>", str(problem["status"]), link))
    lead = "Errors are problem details (RFC 9457). Program against <code>code</code>; <code>type</code> leads to its page."
    page(out / "problems/index.html", "Problems", lead, table(("Code", "HTTP", "What"), rows), '<a href="/docs">The API</a>')


def main(out):
    document = load("openapi.yaml")
    write(out / "docs.json", json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    events_page(out)
    problem_pages(out, document)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: pages.py OUTDIR")
    main(pathlib.Path(sys.argv[1]))
