import { app } from '@azure/functions';

if (process.env.FIXTURE_REQUIRED === '') throw new Error('The setting FIXTURE_REQUIRED is missing.');

async function echo(request) {
  return {
    jsonBody: {
      pid: process.pid,
      method: request.method,
      url: request.url,
      params: request.params,
      query: [...request.query],
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    },
  };
}

app.http('echo', { route: 'echo', methods: ['GET', 'POST'], authLevel: 'anonymous', handler: echo });
app.http('number', { route: 'things/{id:int}/{tail?}', methods: ['GET'], authLevel: 'anonymous', handler: echo });
app.http('special', {
  route: 'things/special',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async () => ({ body: 'special' }),
});
app.http('keyed', { route: 'keyed', methods: ['POST'], authLevel: 'function', handler: echo });
app.http('masters', { route: 'masters', methods: ['POST'], authLevel: 'admin', handler: echo });
app.http('nothing', { route: 'nothing', methods: ['GET'], authLevel: 'anonymous', handler: async () => undefined });
app.http('broken', {
  route: 'broken',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async () => {
    throw new Error('broken on purpose');
  },
});
app.http('host-url', {
  route: 'host-url',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async () => ({ body: process.env.HOST_URL }),
});
app.http('bytes', {
  route: 'bytes',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async () => ({ body: new Uint8Array([0, 255, 10]), headers: { 'content-type': 'application/x-three' } }),
});
app.http('cookies', {
  route: 'cookies',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async () => ({
    cookies: [
      { name: '__Host-a', value: 'x y', path: '/', secure: true, httpOnly: true, sameSite: 'Lax', maxAge: 60 },
      { name: 'b', value: '', expires: new Date(1000) },
      { name: 'gone', value: '', maxAge: 0 },
      { name: 'c', value: '1', sameSite: 'None', domain: 'localhost' },
    ],
  }),
});
app.http('slow', {
  route: 'slow',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (_request, context) => {
    context.log('slow has begun');
    await new Promise((resolve) => setTimeout(resolve, 500));
    return { body: 'finished' };
  },
});
app.http('crash', {
  route: 'crash',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async () => {
    setImmediate(() => {
      throw new Error('uncaught on purpose');
    });
    return new Promise(() => {});
  },
});

app.timer('tick', {
  schedule: '%TICK_SCHEDULE%',
  handler: async (timer, context) => {
    context.log(`tick ${JSON.stringify(timer)}`);
  },
});
app.timer('bad-tick', {
  schedule: '0 0 0 1 1 *',
  handler: async () => {
    throw new Error('bad tick on purpose');
  },
});

app.storageQueue('work', {
  queueName: '%WORK_QUEUE%',
  connection: 'Work',
  handler: async (message, context) => {
    const { dequeueCount, id, queueTrigger } = context.triggerMetadata;
    context.log(`received ${JSON.stringify({ message, dequeueCount, id, queueTrigger, pid: process.pid })}`);
    console.log('a plain line');
    if (message.fail) throw new Error('failed on purpose');
    if (message.hang && dequeueCount === 1) await new Promise(() => {});
    if (message.ms) await new Promise((resolve) => setTimeout(resolve, message.ms));
  },
});
