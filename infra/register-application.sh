#!/usr/bin/env bash
# Registers RoboMQ's application with Microsoft Entra: who may sign in, where they come back to, what is asked of them, and
# how the function app proves that it is this application. Run it again after a change, with the client ID that it printed:
# what is right already is left alone.
set -euo pipefail

# Microsoft Graph and its delegated permissions; the same in every tenant.
readonly GRAPH=00000003-0000-0000-c000-000000000000
readonly MAIL_SEND=e383f46e-2787-4529-855e-0e479a3ffac0
readonly OFFLINE_ACCESS=7427e0e9-2fba-42fe-b0c0-848c9e6a8182
readonly TOKEN_EXCHANGE=api://AzureADTokenExchange

usage() {
  cat <<'TEXT'
Usage: infra/register-application.sh --redirect-uri URI --identity GUID [options]

  --redirect-uri URI   {PUBLIC_BASE_URL}/api/auth/callback/Outlook; the deployment's output redirectUri
  --identity GUID      object ID of the function app's managed identity; the output identityPrincipalId
  --client-id GUID     changes this application, instead of registering a new one
  --name NAME          name of a new one, which people see when they are asked to accept (default: Hire2Retire)
  --audience WHO       organizations (default), or common: personal accounts too
  --replace            takes other redirect URIs away; without it they stay beside this one
  --dry-run            looks, prints what it would change, and changes nothing

Needs the Azure CLI, signed in to the tenant of the managed identity as somebody who may register applications.
TEXT
}

die() {
  printf '%s\n' "$1" >&2
  exit 1
}

redirect_uri='' identity='' client_id='' name='Hire2Retire' audience='organizations' replace=false dry_run=false
while [ $# -gt 0 ]; do
  case "$1" in
    --redirect-uri | --identity | --client-id | --name | --audience)
      [ $# -ge 2 ] || die "$1 needs a value."
      case "$1" in
        --redirect-uri) redirect_uri=$2 ;;
        --identity) identity=$2 ;;
        --client-id) client_id=$2 ;;
        --name) name=$2 ;;
        --audience) audience=$2 ;;
      esac
      shift 2
      ;;
    --replace) replace=true && shift ;;
    --dry-run) dry_run=true && shift ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && die "There is no option $1." ;;
  esac
done

[[ $redirect_uri =~ ^https://[^[:space:]?#]+/api/auth/callback/Outlook$ ]] ||
  die "--redirect-uri must be https and end in /api/auth/callback/Outlook."
readonly GUID='^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
[[ $identity =~ $GUID ]] || die "--identity must be a GUID."
[[ -z $client_id || $client_id =~ $GUID ]] || die "--client-id must be a GUID."
case "$audience" in
  organizations) sign_in_audience=AzureADMultipleOrgs ;;
  common) sign_in_audience=AzureADandPersonalMicrosoftAccount ;;
  *) die "--audience is organizations or common." ;;
esac

# Every command that changes something goes through here.
change() {
  printf '%s:' "$1"
  shift
  printf ' %q' "$@"
  printf '\n'
  if [ "$dry_run" = false ]; then "$@" --output none; fi
}

tenant=$(az account show --query tenantId --output tsv)
permissions=$(printf '[{"resourceAppId":"%s","resourceAccess":[{"id":"%s","type":"Scope"},{"id":"%s","type":"Scope"}]}]' \
  "$GRAPH" "$OFFLINE_ACCESS" "$MAIL_SEND")

find_application() {
  az ad app list --filter "displayName eq '${name//\'/\'\'}'" --query '[].appId' --output tsv
}
look() { az ad app show --id "$client_id" --query "$1" --output tsv; }

# Personal accounts ask for tokens of version 2; Entra refuses such an application without it.
audience_options=(--sign-in-audience "$sign_in_audience")
if [ "$audience" = common ]; then audience_options+=(--requested-access-token-version 2); fi

if [ -z "$client_id" ]; then
  # Names are not unique, and this one may be somebody else's: only who names the client ID changes what is there.
  found=$(find_application)
  [ -z "$found" ] || die "There is an application called $name already, with the client ID ${found//$'\n'/ and }. \
To change it, pass --client-id; for another one, choose another --name."
  change 'Creates the application' az ad app create --display-name "$name" "${audience_options[@]}" \
    --web-redirect-uris "$redirect_uri" --required-resource-accesses "$permissions"
  if [ "$dry_run" = true ]; then
    client_id=CLIENT_ID
  else
    client_id=$(find_application)
    [ "$(printf '%s' "$client_id" | grep -c .)" -eq 1 ] ||
      die "Entra does not show the new application yet. Find its client ID in the admin center, and run this with --client-id."
  fi
else
  name=$(look displayName) || die "There is no application $client_id in this tenant."
  if [ "$(look signInAudience)" != "$sign_in_audience" ] ||
    { [ "$audience" = common ] && [ "$(look api.requestedAccessTokenVersion)" != 2 ]; }; then
    change 'Changes who may sign in' az ad app update --id "$client_id" "${audience_options[@]}"
  fi
  registered=$(look "join(' ', web.redirectUris)")
  wanted=("$redirect_uri")
  if [ "$replace" = false ]; then
    read -ra wanted <<<"$registered"
    [[ " $registered " == *" $redirect_uri "* ]] || wanted+=("$redirect_uri")
  fi
  [ "$registered" = "${wanted[*]}" ] ||
    change 'Changes the redirect URIs' az ad app update --id "$client_id" --web-redirect-uris "${wanted[@]}"
  [ "$(look "join(' ', sort(requiredResourceAccess[].resourceAccess[].id))")" = "$OFFLINE_ACCESS $MAIL_SEND" ] ||
    change 'Changes the permissions' az ad app update --id "$client_id" --required-resource-accesses "$permissions"
fi

# What only an application that exists can be asked for.
exists() { [ "$client_id" != CLIENT_ID ]; }

if ! exists || [ -z "$(az ad sp list --filter "appId eq '$client_id'" --query '[].id' --output tsv)" ]; then
  change 'Creates the enterprise application' az ad sp create --id "$client_id"
fi

issuer="https://login.microsoftonline.com/$tenant/v2.0"
# One for each identity: a second deployment, or a new identity after a disaster, does not lock the first one out.
credential=outlook-sender-${identity:0:8}
trust=$(printf '{"name":"%s","issuer":"%s","subject":"%s","audiences":["%s"]}' \
  "$credential" "$issuer" "$identity" "$TOKEN_EXCHANGE")
trusted=''
if exists; then
  trusted=$(az ad app federated-credential list --id "$client_id" \
    --query "[?name=='$credential'].join(' ', [issuer, subject, join(' ', audiences)])" --output tsv)
fi
if [ -z "$trusted" ]; then
  change 'Trusts the managed identity' az ad app federated-credential create --id "$client_id" --parameters "$trust"
elif [ "$trusted" != "$issuer $identity $TOKEN_EXCHANGE" ]; then
  change 'Changes how the managed identity is trusted' az ad app federated-credential update --id "$client_id" \
    --federated-credential-id "$credential" --parameters "$trust"
fi

cat <<TEXT

Client ID: $client_id
  It is the parameter serviceProviderClientId (SERVICE_PROVIDER_CLIENT_ID). There is no client secret, and none is needed.

Still to do by hand, once: publisher verification. Without it Microsoft does not let people of other organizations accept,
whatever their own rules say. Entra admin center > App registrations > $name > Branding & properties > Publisher
verification; it needs a verified Partner Center account and a publisher domain that is not onmicrosoft.com.
https://learn.microsoft.com/entra/identity-platform/publisher-verification-overview
TEXT
