// Sends a mail by queue and one by HTTP, waits until both were accepted, and reads events. `dotnet run`, .NET 8 or newer.
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Azure.Core;
using Azure.Identity;
using Azure.Storage.Queues;

var customerId = Setting("CUSTOMER_ID");
var connectionId = Setting("CONNECTION_ID");
var mails = $"{Setting("API")}/customers/{customerId}/connections/{connectionId}/mails";
var credential = new DefaultAzureCredential();

using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(45) };
if (Environment.GetEnvironmentVariable("API_SCOPE") is { Length: > 0 } scope)
{
    // Kept for an hour; ask again before each request in a program that runs longer.
    var token = await credential.GetTokenAsync(new TokenRequestContext([scope]));
    http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Token);
}
else
{
    http.DefaultRequestHeaders.Add("x-functions-key", Setting("FUNCTION_KEY"));
}

// A real mailId says what the mail is about, so that a repetition is recognized.
var queued = $"cs-queue-{Guid.NewGuid()}";
var posted = $"cs-http-{Guid.NewGuid()}";

var message = Greeting(queued);
message["version"] = 1;
message["customerId"] = customerId;
message["connectionId"] = connectionId;
await Queue("outlook-mail").SendMessageAsync(JsonSerializer.Serialize(message));

using (var answer = await http.PostAsJsonAsync(mails, Greeting(posted)))
{
    // 202, or 200 when it was there already; a problem document with a `code` otherwise.
    if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
}

await WaitUntilAccepted(queued);
await WaitUntilAccepted(posted);

var events = Queue("outlook-events");
while ((await events.ReceiveMessagesAsync(32, TimeSpan.FromMinutes(2))).Value is { Length: > 0 } received)
{
    foreach (var each in received)
    {
        using var json = JsonDocument.Parse(each.Body);
        var data = json.RootElement.GetProperty("data");
        var about = data.TryGetProperty("mailId", out var mailId) ? mailId : json.RootElement.GetProperty("subject");
        Console.WriteLine($"event {json.RootElement.GetProperty("type").GetString()} {about.GetString()}");
        // Act first, then delete: an event comes at least once.
        await events.DeleteMessageAsync(each.MessageId, each.PopReceipt);
    }
}

Dictionary<string, object> Greeting(string mailId) => new()
{
    ["mailId"] = mailId,
    ["to"] = new[] { Setting("TO") },
    ["subject"] = "Welcome to Acme",
    ["body"] = new { contentType = "html", content = "<p>Your account is <b>ready</b>. Grüße!</p>" },
};

async Task WaitUntilAccepted(string mailId)
{
    var limit = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("WAIT_SECONDS") ?? "60"));
    var waited = System.Diagnostics.Stopwatch.StartNew();
    while (true)
    {
        var known = "no record: the app is down, or the message is nobody's mail. An operator finds that in rejected-mail";
        using var answer = await http.GetAsync($"{mails}/{mailId}");
        // From the queue, a mail has no record before it was taken in; one that names no connection never has.
        if (answer.StatusCode != HttpStatusCode.NotFound)
        {
            answer.EnsureSuccessStatusCode();
            var record = await answer.Content.ReadFromJsonAsync<JsonElement>();
            var state = record.GetProperty("state").GetString();
            if (state == "accepted")
            {
                Console.WriteLine($"{mailId} accepted");
                return;
            }
            if (state is not ("queued" or "waiting" or "sending")) throw new InvalidOperationException(record.ToString());
            known = $"the state {state}";
        }
        if (waited.Elapsed >= limit) throw new TimeoutException($"After {limit.TotalSeconds} s {mailId} has {known}.");
        await Task.Delay(500);
    }
}

QueueClient Queue(string name)
{
    // For the sandbox only: whoever has it has the whole account.
    if (Environment.GetEnvironmentVariable("STORAGE_CONNECTION_STRING") is { Length: > 0 } connection)
        return new QueueClient(connection, name);
    return new QueueClient(new Uri($"https://{Setting("STORAGE_ACCOUNT")}.queue.core.windows.net/{name}"), credential);
}

static string Setting(string name) =>
    Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set.");
