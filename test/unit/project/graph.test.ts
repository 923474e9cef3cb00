import { describe, expect, test } from 'vitest';
import { findCycles, type Graph, startLevels, startOrder, withNeeds } from '../../../src/project/graph.ts';

/** `a:b,c d` is a graph in which a needs b and c, and d nothing. */
function graph(text: string): Graph {
  return new Map(
    text.split(' ').map((part) => {
      const [name = '', needs = ''] = part.split(':');
      return [name, needs === '' ? [] : needs.split(',')];
    }),
  );
}

describe('start order', () => {
  test('puts first what is needed, and equals by name', () => {
    expect(startOrder(graph('web:api,db api:db mail db'))).toEqual(['db', 'mail', 'api', 'web']);
    expect(startLevels(graph('web:api,db api:db mail db'))).toEqual([['db', 'mail'], ['api'], ['web']]);
  });

  test('ignores names that are not in the graph, and repeated ones', () => {
    expect(startOrder(graph('b:a,a,ghost a'))).toEqual(['a', 'b']);
  });

  test('keeps every name of a graph with a cycle', () => {
    expect(startOrder(graph('c:a b:c a:b d'))).toEqual(['d', 'a', 'b', 'c']);
  });

  test('takes a chain that is too long for recursion', () => {
    const chain = new Map(
      Array.from({ length: 50_000 }, (_, index) => [`m${index}`, index === 0 ? [] : [`m${index - 1}`]]),
    );
    expect(startOrder(chain)).toHaveLength(50_000);
    expect(withNeeds(chain, ['m49999'])).toHaveLength(50_000);
  });
});

describe('cycles', () => {
  test('are absent from a sound graph', () => {
    expect(findCycles(graph('a:b,c b:c c'))).toEqual([]);
  });

  test('are told as trails that begin with the first name', () => {
    expect(findCycles(graph('c:a b:c a:b'))).toEqual([['a', 'b', 'c']]);
  });

  test('of one are found', () => {
    expect(findCycles(graph('a:a'))).toEqual([['a']]);
  });

  test('are all found, each without the names around it', () => {
    expect(findCycles(graph('a:b b:a c:a,d d:c x:c e'))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('are told by their shortest way', () => {
    expect(findCycles(graph('a:b,d b:c c:a d:a'))).toEqual([['a', 'd']]);
  });
});

test('what is needed is found through any number of steps', () => {
  expect(withNeeds(graph('a:b b:c c d:a e'), ['a', 'ghost'])).toEqual(['a', 'b', 'c']);
});
