#!/usr/bin/env bash
# Sends a mail by queue and one by HTTP, waits until both were accepted, and reads events. Needs the Azure CLI, curl and jq.
# Signed in (az login) as an identity with Storage Queue Data Message Sender on outlook-mail and Storage Queue Data Message
# Processor on outlook-events.
set -euo pipefail
: "${API:?}" "${CUSTOMER_ID:?}" "${CONNECTION_ID:?}" "${TO:?}"

mails="$API/customers/$CUSTOMER_ID/connections/$CONNECTION_ID/mails"

if [ -n "${STORAGE_CONNECTION_STRING:-}" ]; then
  # For the sandbox only: whoever has it has the whole account.
  account=(--connection-string "$STORAGE_CONNECTION_STRING")
else
  account=(--account-name "${STORAGE_ACCOUNT:?}" --auth-mode login)
fi

# Proof for the API, read by curl from a file descriptor: what stands in a command line, every process can see.
proof() {
  if [ -n "${API_SCOPE:-}" ]; then
    echo "authorization: Bearer $(az account get-access-token --scope "$API_SCOPE" --query accessToken --output tsv)"
  else
    echo "x-functions-key: ${FUNCTION_KEY:?}"
  fi
}

greeting() {
  jq --null-input --arg mailId "$1" --arg to "$TO" '{
    mailId: $mailId, to: [$to], subject: "Welcome to Acme",
    body: {contentType: "html", content: "<p>Your account is <b>ready</b>. Grüße!</p>"}
  }'
}

# Seconds until it is given up. From the queue, a mail has no record before it was taken in; one that names no connection
# never has: an operator finds it in rejected-mail.
limit=${WAIT_SECONDS:-60}

wait_until_accepted() {
  local state end=$((SECONDS + limit))
  while true; do
    state=$(curl --silent --header @<(proof) "$mails/$1" | jq --raw-output '.state // "unknown"')
    case "$state" in
      accepted) echo "$1 accepted" && return ;;
      unknown | queued | waiting | sending) sleep 0.5 ;;
      *) echo "$1 is $state" >&2 && return 1 ;;
    esac
    [ "$SECONDS" -lt "$end" ] || { echo "After $limit s $1 has no record, or the state $state." >&2 && return 1; }
  done
}

# A real mailId says what the mail is about, so that a repetition is recognized.
queued="az-queue-$(date +%s)-$RANDOM"
posted="az-http-$(date +%s)-$RANDOM"

message=$(greeting "$queued" | jq --compact-output --arg customer "$CUSTOMER_ID" --arg connection "$CONNECTION_ID" \
  '. + {version: 1, customerId: $customer, connectionId: $connection}')
az storage message put --queue-name outlook-mail --content "$message" "${account[@]}" --output none

greeting "$posted" | curl --silent --show-error --fail-with-body --header @<(proof) \
  --header 'content-type: application/json' --data @- --output /dev/null "$mails"

wait_until_accepted "$queued"
wait_until_accepted "$posted"

while true; do
  messages=$(az storage message get --queue-name outlook-events --num-messages 32 --visibility-timeout 120 "${account[@]}" --output json)
  [ "$(jq length <<<"$messages")" -gt 0 ] || break
  while read -r each; do
    jq --raw-output '.content | (fromjson? // (@base64d | fromjson)) | "event \(.type) \(.data.mailId // .subject)"' <<<"$each"
    # Act first, then delete: an event comes at least once.
    az storage message delete --queue-name outlook-events --id "$(jq --raw-output .id <<<"$each")" \
      --pop-receipt "$(jq --raw-output '.popReceipt' <<<"$each")" "${account[@]}" --output none
  done < <(jq --compact-output '.[]' <<<"$messages")
done
