#!/usr/bin/env bash
# Sends a mail by queue and one by HTTP, waits until both were accepted, and reads events. Needs curl only, and openssl for
# the sandbox. On Azure: TOKEN_STORAGE and TOKEN_API are access tokens for https://storage.azure.com and for the API, from
# wherever your platform gets them; FUNCTION_KEY stands in for the latter.
set -euo pipefail
: "${API:?}" "${CUSTOMER_ID:?}" "${CONNECTION_ID:?}" "${TO:?}"

mails="$API/customers/$CUSTOMER_ID/connections/$CONNECTION_ID/mails"

# Calls the API. Proof comes from a file descriptor: what stands in a command line, every process can see.
api() {
  local proof="x-functions-key: ${FUNCTION_KEY:-}"
  [ -z "${TOKEN_API:-}" ] || proof="authorization: Bearer $TOKEN_API"
  curl --silent --show-error --header @<(echo "$proof") --header 'content-type: application/json' "$@"
}

# Calls Queue Storage: storage METHOD path [query] [body]
storage() {
  local method=$1 path=$2 query=${3:-} body=${4:-}
  local date url proof
  date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
  if [ -n "${STORAGE_CONNECTION_STRING:-}" ]; then
    # For the sandbox only: whoever has it has the whole account.
    url="$(part QueueEndpoint)/$path"
    proof="authorization: SharedKey $(part AccountName):$(sign "$method" "$url" "$query" "$body" "$date")"
  else
    url="https://${STORAGE_ACCOUNT:?}.queue.core.windows.net/$path"
    proof="authorization: Bearer ${TOKEN_STORAGE:?}"
  fi
  local content=()
  [ -z "$body" ] || content=(--header 'content-type: application/xml' --data-binary "$body")
  curl --silent --show-error --fail-with-body --request "$method" --header @<(echo "$proof") \
    --header 'x-ms-version: 2021-12-02' --header "x-ms-date: $date" ${content[@]+"${content[@]}"} "$url${query:+?$query}"
}

part() { tr ';' '\n' <<<"$STORAGE_CONNECTION_STRING" | sed -n "s/^$1=//p"; }

# https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
sign() {
  local method=$1 url=$2 query=$3 body=$4 date=$5 length='' type='' resource key
  [ -z "$body" ] || { length=$(printf %s "$body" | wc -c | tr -d ' ') && type=application/xml; }
  resource="/$(part AccountName)/${url#*://*/}"
  [ -z "$query" ] || resource+=$(tr '&' '\n' <<<"$query" | LC_ALL=C sort | while IFS='=' read -r name value; do printf '\n%s:%s' "$name" "$(decode "$value")"; done)
  key=$(part AccountKey | base64 -d | od -An -v -tx1 | tr -d ' \n')
  printf '%s\n\n\n%s\n\n%s\n\n\n\n\n\n\nx-ms-date:%s\nx-ms-version:2021-12-02\n%s' "$method" "$length" "$type" "$date" "$resource" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64
}

encode() { sed 's/%/%25/g; s/+/%2B/g; s/\//%2F/g; s/=/%3D/g' <<<"$1"; }
decode() { sed 's/%3D/=/g; s/%2F/\//g; s/%2B/+/g; s/%25/%/g' <<<"$1"; }
tag() { sed -n "s/.*<$1>\([^<]*\)<.*/\1/p" <<<"$2"; }

greeting() {
  echo "\"mailId\":\"$1\",\"to\":[\"$TO\"],\"subject\":\"Welcome to Acme\"," \
    '"body":{"contentType":"text","content":"Your account is ready. Grüße!"}'
}

# Seconds until it is given up. From the queue, a mail has no record before it was taken in; one that names no connection
# never has: an operator finds it in rejected-mail.
limit=${WAIT_SECONDS:-60}

wait_until_accepted() {
  local record end=$((SECONDS + limit))
  while true; do
    record=$(api "$mails/$1")
    case "$record" in
      *'"state":"accepted"'*) echo "$1 accepted" && return ;;
      *'"code":"not_found"'* | *'"state":"queued"'* | *'"state":"waiting"'* | *'"state":"sending"'*) sleep 0.5 ;;
      *) echo "$record" >&2 && return 1 ;;
    esac
    [ "$SECONDS" -lt "$end" ] || { echo "After $limit s $1 is not accepted: $record" >&2 && return 1; }
  done
}

# A real mailId says what the mail is about, so that a repetition is recognized.
queued="curl-queue-$(date +%s)-$RANDOM"
posted="curl-http-$(date +%s)-$RANDOM"

# Base64 needs no escaping in XML; plain JSON does.
message="{\"version\":1,\"customerId\":\"$CUSTOMER_ID\",\"connectionId\":\"$CONNECTION_ID\",$(greeting "$queued")}"
text=$(printf %s "$message" | base64 | tr -d '\n')
storage POST outlook-mail/messages '' "<QueueMessage><MessageText>$text</MessageText></QueueMessage>" >/dev/null

api --fail-with-body --data "{$(greeting "$posted")}" --output /dev/null "$mails"

wait_until_accepted "$queued"
wait_until_accepted "$posted"

# One at a time, which sed can read.
while true; do
  answer=$(storage GET outlook-events/messages 'numofmessages=1&visibilitytimeout=120')
  id=$(tag MessageId "$answer")
  [ -n "$id" ] || break
  event=$(tag MessageText "$answer" | sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g')
  echo "event $event"
  # Act first, then delete: an event comes at least once.
  storage DELETE "outlook-events/messages/$id" "popreceipt=$(encode "$(tag PopReceipt "$answer")")"
done
