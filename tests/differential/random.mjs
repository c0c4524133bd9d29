// A seeded random source: the same seed gives the same run.
export function random(seed) {
  let s = BigInt.asUintN(64, BigInt(seed) * 0x9e3779b97f4a7c15n + 1n);
  const next = () => { // splitmix64
    s = BigInt.asUintN(64, s + 0x9e3779b97f4a7c15n);
    let z = s;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  };
  const r = {
    unit: next, // [0, 1)
    below: (n) => Math.floor(next() * n),
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (p) => next() < p,
    pick: (list) => list[Math.floor(next() * list.length)],
    some: (list, most) => list.filter(() => next() < most / list.length),
    // One of [[weight, value], ...].
    weighted: (list) => {
      let at = next() * list.reduce((n, [w]) => n + w, 0);
      for (const [w, v] of list) if ((at -= w) < 0) return v;
      return list[list.length - 1][1];
    },
  };
  return r;
}
