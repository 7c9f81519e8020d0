#!/usr/bin/env python3
"""Sends a mail by queue and one by HTTP, waits until both were accepted, and reads events.

Python 3.9 or newer, standard library only. On Azure the token comes from the managed identity of an App Service,
Functions or Container App, or, on a developer's computer, from `az login`. In a program of your own you may prefer the
packages azure-identity and azure-storage-queue, which do the same.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as xml
from email.utils import formatdate
from xml.sax.saxutils import escape

env = os.environ
API, CUSTOMER, CONNECTION, TO = env["API"], env["CUSTOMER_ID"], env["CONNECTION_ID"], env["TO"]
MAILS = f"{API}/customers/{CUSTOMER}/connections/{CONNECTION}/mails"
tokens = {}


def token(resource):
    """A token for a resource, kept for as long as this program runs."""
    if resource not in tokens:
        if "IDENTITY_ENDPOINT" in env:
            query = {"resource": resource, "api-version": "2019-08-01"}
            if "AZURE_CLIENT_ID" in env:
                query["client_id"] = env["AZURE_CLIENT_ID"]
            url = f"{env['IDENTITY_ENDPOINT']}?{urllib.parse.urlencode(query)}"
            answer = request("GET", url, {"x-identity-header": env["IDENTITY_HEADER"]})
            tokens[resource] = json.loads(answer)["access_token"]
        else:
            command = ["az", "account", "get-access-token", "--resource", resource, "--query", "accessToken", "-o", "tsv"]
            tokens[resource] = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return tokens[resource]


def request(method, url, headers, body=None):
    data = None if body is None else body.encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=45) as response:
        return response.read().decode()


def call_api(method, url, body=None):
    """Calls the API. An answer that is not 2xx is an HTTPError, whose body is a problem document with a `code`."""
    if "API_SCOPE" in env:
        headers = {"authorization": f"Bearer {token(env['API_SCOPE'].removesuffix('/.default'))}"}
    else:
        headers = {"x-functions-key": env["FUNCTION_KEY"]}
    if body is not None:
        headers["content-type"] = "application/json"
    return json.loads(request(method, url, headers, None if body is None else json.dumps(body)))


def call_queue(method, path, body=None, **query):
    """Calls the REST API of Queue Storage: https://learn.microsoft.com/rest/api/storageservices/queue-service-rest-api"""
    headers = {"x-ms-version": "2021-12-02", "x-ms-date": formatdate(usegmt=True)}
    data = None if body is None else body.encode()
    if data is not None:
        headers["content-type"] = "application/xml"
    if "STORAGE_CONNECTION_STRING" in env:
        # For the sandbox only: whoever has it has the whole account.
        parts = dict(part.split("=", 1) for part in env["STORAGE_CONNECTION_STRING"].split(";") if part)
        url = f"{parts['QueueEndpoint']}/{path}"
        headers["authorization"] = shared_key(method, url, headers, data, query, parts)
    else:
        url = f"https://{env['STORAGE_ACCOUNT']}.queue.core.windows.net/{path}"
        headers["authorization"] = f"Bearer {token('https://storage.azure.com')}"
    return request(method, f"{url}?{urllib.parse.urlencode(query)}" if query else url, headers, body)


def shared_key(method, url, headers, data, query, parts):
    length = str(len(data)) if data else ""
    own = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()) if name.startswith("x-ms-"))
    resource = f"/{parts['AccountName']}{urllib.parse.urlsplit(url).path}"
    resource += "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
    text = f"{method}\n\n\n{length}\n\n{headers.get('content-type', '')}\n\n\n\n\n\n\n{own}{resource}"
    digest = hmac.new(base64.b64decode(parts["AccountKey"]), text.encode(), hashlib.sha256).digest()
    return f"SharedKey {parts['AccountName']}:{base64.b64encode(digest).decode()}"


def put_mail(message):
    text = escape(json.dumps(message, ensure_ascii=False))
    call_queue("POST", "outlook-mail/messages", f"<QueueMessage><MessageText>{text}</MessageText></QueueMessage>")


def read_events():
    """The events that are there. Each is deleted once the caller asks for the next: act first."""
    while True:
        answer = call_queue("GET", "outlook-events/messages", numofmessages="32", visibilitytimeout="120")
        messages = xml.fromstring(answer.lstrip("\ufeff")).findall("QueueMessage")
        if not messages:
            return
        for message in messages:
            yield json.loads(message.findtext("MessageText"))
            name = f"outlook-events/messages/{message.findtext('MessageId')}"
            call_queue("DELETE", name, popreceipt=message.findtext("PopReceipt"))


def greeting(mail_id):
    return {
        "mailId": mail_id,
        "to": [TO],
        "subject": "Welcome to Acme",
        "body": {"contentType": "html", "content": "<p>Your account is <b>ready</b>. Grüße!</p>"},
    }


def wait_until_accepted(mail_id):
    limit = int(env.get("WAIT_SECONDS", "60"))
    end = time.monotonic() + limit
    while True:
        known = "no record: the app is down, or the message is nobody's mail. An operator finds that in rejected-mail"
        try:
            record = call_api("GET", f"{MAILS}/{mail_id}")
            if record["state"] == "accepted":
                print(mail_id, "accepted")
                return
            if record["state"] not in ("queued", "waiting", "sending"):
                raise SystemExit(f"{mail_id} is {record['state']}: {record.get('reason')}")
            known = f"the state {record['state']}"
        except urllib.error.HTTPError as error:
            # From the queue, a mail has no record before it was taken in; one that names no connection never has.
            if error.code != 404:
                raise SystemExit(f"{error.code}: {error.read().decode()}") from error
        if time.monotonic() >= end:
            raise SystemExit(f"After {limit} s {mail_id} has {known}.")
        time.sleep(0.5)


def main():
    # A real mailId says what the mail is about, so that a repetition is recognized.
    queued, posted = f"py-queue-{uuid.uuid4()}", f"py-http-{uuid.uuid4()}"
    put_mail({"version": 1, "customerId": CUSTOMER, "connectionId": CONNECTION, **greeting(queued)})
    call_api("POST", MAILS, greeting(posted))
    wait_until_accepted(queued)
    wait_until_accepted(posted)
    for event in read_events():
        print("event", event["type"], event["data"].get("mailId", event["subject"]))


if __name__ == "__main__":
    main()
