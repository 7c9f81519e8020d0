#!/usr/bin/env bash
# Registers RoboMQ's application with Microsoft Entra: who may sign in, where they come back to, what is asked of them, and
# how the function app proves that it is this application. Run it again after a change: what is right already is left alone.
set -euo pipefail

# Microsoft Graph and its delegated permissions; the same in every tenant.
readonly GRAPH=00000003-0000-0000-c000-000000000000
readonly MAIL_SEND=e383f46e-2787-4529-855e-0e479a3ffac0
readonly OFFLINE_ACCESS=7427e0e9-2fba-42fe-b0c0-848c9e6a8182
readonly CREDENTIAL=outlook-sender

usage() {
  cat <<'TEXT'
Usage: infra/register-application.sh --redirect-uri URI --identity GUID [options]

  --redirect-uri URI   {PUBLIC_BASE_URL}/api/auth/callback/Outlook; the deployment's output redirectUri
  --identity GUID      object ID of the function app's managed identity; the output identityPrincipalId
  --name NAME          name that people see when they are asked to accept (default: Hire2Retire)
  --audience WHO       organizations (default), or common: personal accounts too
  --dry-run            looks, prints what it would change, and changes nothing

Needs the Azure CLI, signed in to the tenant of the managed identity as somebody who may register applications.
TEXT
}

die() {
  printf '%s\n' "$1" >&2
  exit 1
}

redirect_uri='' identity='' name='Hire2Retire' audience='organizations' dry_run=false
while [ $# -gt 0 ]; do
  case "$1" in
    --redirect-uri | --identity | --name | --audience)
      [ $# -ge 2 ] || die "$1 needs a value."
      case "$1" in
        --redirect-uri) redirect_uri=$2 ;;
        --identity) identity=$2 ;;
        --name) name=$2 ;;
        --audience) audience=$2 ;;
      esac
      shift 2
      ;;
    --dry-run) dry_run=true && shift ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && die "There is no option $1." ;;
  esac
done

[[ $redirect_uri =~ ^https://[^[:space:]?#]+/api/auth/callback/Outlook$ ]] ||
  die "--redirect-uri must be https and end in /api/auth/callback/Outlook."
[[ $identity =~ ^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$ ]] || die "--identity must be a GUID."
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

client_id=$(find_application)
[ "$(printf '%s' "$client_id" | grep -c .)" -le 1 ] ||
  die "Several applications are called $name. Choose another --name, or delete those that are not yours."

if [ -z "$client_id" ]; then
  change 'Creates the application' az ad app create --display-name "$name" --sign-in-audience "$sign_in_audience" \
    --web-redirect-uris "$redirect_uri" --required-resource-accesses "$permissions"
  if [ "$dry_run" = true ]; then
    client_id=CLIENT_ID
  else
    client_id=$(find_application)
  fi
else
  look() { az ad app show --id "$client_id" --query "$1" --output tsv; }
  [ "$(look 'signInAudience')" = "$sign_in_audience" ] ||
    change 'Changes who may sign in' az ad app update --id "$client_id" --sign-in-audience "$sign_in_audience"
  [ "$(look "join(' ', web.redirectUris)")" = "$redirect_uri" ] ||
    change 'Changes the redirect URI' az ad app update --id "$client_id" --web-redirect-uris "$redirect_uri"
  [ "$(look "join(' ', sort(requiredResourceAccess[].resourceAccess[].id))")" = "$OFFLINE_ACCESS $MAIL_SEND" ] ||
    change 'Changes the permissions' az ad app update --id "$client_id" --required-resource-accesses "$permissions"
fi

# What only an application that exists can be asked for.
exists() { [ "$client_id" != CLIENT_ID ]; }

if ! exists || [ -z "$(az ad sp list --filter "appId eq '$client_id'" --query '[].id' --output tsv)" ]; then
  change 'Creates the enterprise application' az ad sp create --id "$client_id"
fi

issuer="https://login.microsoftonline.com/$tenant/v2.0"
trust=$(printf '{"name":"%s","issuer":"%s","subject":"%s","audiences":["api://AzureADTokenExchange"]}' \
  "$CREDENTIAL" "$issuer" "$identity")
trusted=''
if exists; then
  trusted=$(az ad app federated-credential list --id "$client_id" \
    --query "[?name=='$CREDENTIAL'].join(' ', [issuer, subject])" --output tsv)
fi
if [ -z "$trusted" ]; then
  change 'Trusts the managed identity' az ad app federated-credential create --id "$client_id" --parameters "$trust"
elif [ "$trusted" != "$issuer $identity" ]; then
  change 'Trusts another managed identity' az ad app federated-credential update --id "$client_id" \
    --federated-credential-id "$CREDENTIAL" --parameters "$trust"
fi

cat <<TEXT

Client ID: $client_id
  It is the parameter serviceProviderClientId (SERVICE_PROVIDER_CLIENT_ID). There is no client secret, and none is needed.

Still to do by hand, once: publisher verification. Without it Microsoft does not let people of other organizations accept,
whatever their own rules say. Entra admin center > App registrations > $name > Branding & properties > Publisher
verification; it needs a verified Partner Center account and a publisher domain that is not onmicrosoft.com.
https://learn.microsoft.com/entra/identity-platform/publisher-verification-overview
TEXT
