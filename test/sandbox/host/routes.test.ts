import { describe, expect, test } from 'vitest';
import { RouteTable } from '../../../sandbox/host/routes.ts';

function table(...templates: string[]) {
  return new RouteTable(templates.map((template) => ({ template, methods: ['get'], value: template })));
}

const find = (routes: RouteTable<string>, path: string, method = 'GET') => routes.find({ method, path })?.value;

describe('routes', () => {
  test('the most literal template wins, whatever the order of registration', () => {
    const routes = table('a/{*rest}', 'a/{x}', 'a/{x:int}', 'a/b', '{y}/b');
    expect(find(routes, '/a/b')).toBe('a/b');
    expect(find(routes, '/a/7')).toBe('a/{x:int}');
    expect(find(routes, '/a/c')).toBe('a/{x}');
    expect(find(routes, '/a/c/d')).toBe('a/{*rest}');
    expect(find(routes, '/z/b')).toBe('{y}/b');
  });

  test('a route whose method differs leaves the path to the next one', () => {
    const routes = new RouteTable([
      { template: 'a/b', methods: ['POST'], value: 'literal' },
      { template: 'a/{x}', methods: ['GET'], value: 'parameter' },
    ]);
    expect(routes.find({ method: 'GET', path: '/a/b' })?.value).toBe('parameter');
    expect(routes.find({ method: 'PUT', path: '/a/b' })).toBeUndefined();
  });

  test('the rest keeps its slashes, an optional parameter may be missing, a slash at the end does not matter', () => {
    const routes = table('files/{*path}', 'one/{x?}');
    expect(routes.find({ method: 'GET', path: '/files/a/b%20c' })?.params).toEqual({ path: 'a/b c' });
    expect(routes.find({ method: 'GET', path: '/one/' })?.params).toEqual({});
    expect(routes.find({ method: 'GET', path: '/ONE/2/' })?.params).toEqual({ x: '2' });
  });

  test('constraints: int, guid, bool', () => {
    const routes = table('i/{x:int}', 'g/{x:guid}', 'b/{x:bool}');
    expect(find(routes, '/i/-1')).toBeDefined();
    expect(find(routes, '/i/1.5')).toBeUndefined();
    expect(find(routes, '/g/0f8fad5b-d9cb-469f-a165-70867728950e')).toBeDefined();
    expect(find(routes, '/g/0f8fad5b')).toBeUndefined();
    expect(find(routes, '/b/TRUE')).toBeDefined();
    expect(find(routes, '/b/1')).toBeUndefined();
  });

  test('a template it does not understand is refused at the start', () => {
    expect(() => table('a/{x:length(3)}')).toThrow('not supported');
    expect(() => table('a/b-{x}')).toThrow('not supported');
  });
});
