import { app } from '@azure/functions';
import { compose } from '../shared/compose.ts';
import { loadConfig } from '../shared/config.ts';
import { register } from './register.ts';

// The only place that reads the environment. Settings that make no sense end the process here, with all of them named.
register(app, compose(loadConfig(process.env)));
