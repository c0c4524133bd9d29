// Random PromQL over the series of data.mjs. An expression is a tree { text(children), children: [...], type }, so that a failing one can be made smaller.

const node = (type, children, text) => ({ type, children, text });
export const print = (e) => e.text(...e.children.map(print));

const counters = ['hits_total', 'errors_total', 'latency_seconds_bucket', 'latency_seconds_count', 'latency_seconds_sum'];
const gauges = ['load', 'temperature', 'limit'];
const labels = ['job', 'instance', 'path', 'mode', 'le'];
const spans = ['30s', '1m', '100s', '5m', '10m', '1h'], ofWindows = ['5m', '5m', '10m', '15m', '1h', '2h', '4h', '100s'];

// `features`: { native, experimental, three }: what the Prometheus beside it has; { windows }: ranges and steps are mostly multiples of 5 minutes.
export function grammar(r, features) {
  const matcher = () => r.pick(['job="api"', 'job=~"a.*"', 'job!="db"', 'instance="a:1"', 'instance!~"[ab]:1"', 'path="/"', 'path!=""', 'mode="user"', 'mode=""', 'le="1"', 'job=~"api|db"', 'instance=~".+"']);
  const name = () => (features.native && r.chance(0.2) ? 'size' : r.pick(r.chance(0.5) ? counters : gauges));
  const modifier = () => r.weighted([[12, ''], [1, () => ` offset ${r.pick(features.windows ? ['5m', '1h', '-5m'] : ['30s', '5m', '-1m'])}`], [1, () => ` @ ${r.pick(features.times)}`], [1, ' @ start()'], [1, () => ` @ end() offset ${r.pick(['1m', '7m'])}`]]);
  const said = (m) => (typeof m === 'function' ? m() : m);
  const series = () => {
    const list = r.some(['', '', ''], 0.8).map(matcher);
    return r.chance(0.05) ? `{__name__=~"${r.pick(['hits.*', 'l.*', '.*total'])}"${list.map((m) => `, ${m}`).join('')}}` : `${name()}${list.length ? `{${list.join(', ')}}` : ''}`;
  };
  const selector = () => { const t = series() + said(modifier()); return node('vector', [], () => t); };
  const number = () => { const t = r.pick(['0', '1', '2', '0.5', '-1', '10', '1e3', 'NaN', 'Inf', '-Inf', '3']); return node('scalar', [], () => t); };
  const list = (n) => r.some(labels, n).join(', ');

  // `fixed`: a subquery may have @; predict_linear of such a one has no answer in Prometheus 3.14.
  const range = (depth, fixed = true) => {
    if (depth > 0 && r.chance(0.2)) {
      const m = fixed ? said(modifier()) : r.pick(['', ' offset 5m']), t = `[${r.pick(['2m', '5m', '10m'])}:${r.pick(['', '15s', '1m', '37s'])}]`;
      return node('matrix', [vector(depth - 1)], (x) => `(${x})${t}${m}`);
    }
    const t = `${series()}[${r.pick(features.windows ? ofWindows : spans)}]${said(modifier())}`;
    return node('matrix', [], () => t);
  };

  const scalar = (depth) => {
    if (depth <= 0 || r.chance(0.6)) return number();
    return r.pick([
      () => node('scalar', [vector(depth - 1)], (x) => `scalar(${x})`),
      () => node('scalar', [], () => 'time()'),
      () => node('scalar', [], () => 'pi()'),
      () => { const op = r.pick(['+', '-', '*', '/', '%', '^', ...(features.three ? ['atan2'] : [])]); return node('scalar', [scalar(depth - 1), scalar(depth - 1)], (a, b) => `(${a} ${op} ${b})`); },
      () => { const op = r.pick(['==', '!=', '<', '>', '<=', '>=']); return node('scalar', [scalar(depth - 1), scalar(depth - 1)], (a, b) => `(${a} ${op} bool ${b})`); },
      () => node('scalar', [scalar(depth - 1)], (a) => `(-${a})`),
    ])();
  };

  const overTime = ['rate', 'increase', 'delta', 'irate', 'idelta', 'deriv', 'resets', 'changes', 'sum_over_time', 'avg_over_time', 'min_over_time', 'max_over_time', 'count_over_time', 'last_over_time', 'present_over_time', 'stddev_over_time', 'stdvar_over_time', 'absent_over_time',
    ...(features.experimental ? ['mad_over_time', 'first_over_time', 'ts_of_min_over_time', 'ts_of_max_over_time', 'ts_of_last_over_time', 'ts_of_first_over_time'] : [])];
  const math = ['abs', 'ceil', 'floor', 'exp', 'ln', 'log2', 'log10', 'sqrt', 'sgn', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'deg', 'rad', 'timestamp', 'sort', 'sort_desc', 'absent',
    ...(features.native ? ['histogram_count', 'histogram_sum', 'histogram_avg', 'histogram_stddev', 'histogram_stdvar'] : [])];

  const dates = ['minute', 'hour', 'day_of_week', 'day_of_month', 'day_of_year', 'days_in_month', 'month', 'year']; // of seconds that a date has: what becomes of others is the processor's
  const call = (depth) => r.weighted([
    [8, () => { const f = r.pick(overTime); return node('vector', [range(depth - 1)], (x) => `${f}(${x})`); }],
    [1, () => { const q = r.pick(['0', '0.3', '0.9', '1', '1.5', '-1', 'NaN']); return node('vector', [range(depth - 1)], (x) => `quantile_over_time(${q}, ${x})`); }],
    [1, () => { const t = r.pick(['60', '-60', '3600']); return node('vector', [range(depth - 1, false)], (x) => `predict_linear(${x}, ${t})`); }],
    // timestamp(x @ t offset d): Prometheus 3.14 passes over the offset.
    [4, () => { const f = r.pick(math); return node('vector', [vector(depth - 1)], (x) => `${f === 'timestamp' && /@ .* offset/.test(x) ? 'abs' : f}(${x})`); }],
    [1, () => { const f = r.pick(dates); return node('vector', [vector(depth - 1)], (x) => `${f}(${x} >= 0 < 4e9)`); }],
    [1, () => { const f = r.pick(['clamp_min', 'clamp_max', 'round']); return node('vector', [vector(depth - 1), scalar(depth - 2)], (x, s) => `${f}(${x}, ${s})`); }],
    [1, () => node('vector', [vector(depth - 1), scalar(depth - 2), scalar(depth - 2)], (x, a, b) => `clamp(${x}, ${a}, ${b})`)],
    [1, () => node('vector', [scalar(depth - 1)], (s) => `vector(${s})`)],
    [1, () => { const [d, s] = [r.pick(labels), r.pick(labels)], re = r.pick(['(.).*', '(.*):1', 'x']), to = r.pick(['$1', 'y-$1', '']); return node('vector', [vector(depth - 1)], (x) => `label_replace(${x}, "${d}", "${to}", "${s}", "${re}")`); }],
    [1, () => { const d = r.pick(['joined', 'job']); return node('vector', [vector(depth - 1)], (x) => `label_join(${x}, "${d}", "-", "job", "instance")`); }],
    [2, () => { const q = r.pick(['0', '0.5', '0.9', '1', '2', '-1']), span = r.pick(features.windows ? ofWindows : spans), by = r.chance(0.5) ? 'le, job' : 'le, instance, job'; return node('vector', [], () => `histogram_quantile(${q}, sum by (${by}) (rate(latency_seconds_bucket[${span}])))`); }],
    ...(features.native ? [[1, () => { const q = r.pick(['0', '0.5', '0.99', '1']); return node('vector', [vector(depth - 1)], (x) => `histogram_quantile(${q}, ${x})`); }], [1, () => node('vector', [vector(depth - 1)], (x) => `histogram_fraction(0, ${r.pick(['1', '2', 'Inf'])}, ${x})`)]] : []),
  ])();

  const aggregate = (depth) => {
    const grouping = r.weighted([[2, ''], [3, ` by (${list(1.5)})`], [2, ` without (${list(1.5)})`]]);
    const plain = () => { const op = r.pick(['sum', 'avg', 'count', 'min', 'max', 'group', ...(features.three ? ['stddev', 'stdvar'] : [])]); return node('vector', [vector(depth - 1)], (x) => `${op}${grouping} (${x})`); };
    return r.weighted([
      [8, plain],
      [1, () => { const q = r.pick(['0.5', '0', '1', '2', '-0.1', 'NaN']); return node('vector', [vector(depth - 1)], (x) => `quantile${grouping} (${q}, ${x})`); }],
      [1, () => node('vector', [vector(depth - 1)], (x) => `count_values${grouping} ("value", round(clamp(${x}, -1e6, 1e6)))`)],
    ])();
  };

  const matching = () => {
    const on = r.chance(0.5) ? `on (${list(2)})` : `ignoring (${list(1.5)})`;
    return r.weighted([[3, ''], [3, ` ${on}`], [1, ` ${on} group_left (${list(0.7)})`], [1, ` ${on} group_right ()`]]);
  };
  const binary = (depth) => {
    const op = r.weighted([[5, r.pick(['+', '-', '*', '/', '%', '^', ...(features.three ? ['atan2'] : [])])], [3, r.pick(['==', '!=', '<', '>', '<=', '>='])], [2, r.pick(['and', 'or', 'unless'])]]);
    const set = ['and', 'or', 'unless'].includes(op), bool = '=!<>'.includes(op[0]) && r.chance(0.4) ? ' bool' : '';
    if (!set && r.chance(0.4)) {
      const [a, b] = r.chance(0.5) ? [vector(depth - 1), scalar(depth - 1)] : [scalar(depth - 1), vector(depth - 1)];
      return node('vector', [a, b], (x, y) => `(${x} ${op}${bool} ${y})`);
    }
    const on = set ? r.pick(['', ` on (${list(2)})`, ` ignoring (${list(2)})`]) : matching();
    const kept = !features.three && '=!<>'.includes(op[0]) && on ? ' bool' : bool; // 2.x counts matches of what it keeps only
    return node('vector', [vector(depth - 1), vector(depth - 1)], (x, y) => `(${x} ${op}${kept}${on} ${y})`);
  };

  const ofWindow = () => { const f = r.pick(['rate', 'increase', 'delta', 'sum_over_time', 'avg_over_time', 'count_over_time']), t = `${f}(${series()}[${r.pick(ofWindows)}]${said(modifier())})`; return node('vector', [], () => t); };

  function vector(depth) {
    if (features.windows && r.chance(0.3)) return ofWindow();
    if (depth <= 0 || r.chance(0.1)) return selector();
    return r.weighted([[4, call], [4, aggregate], [3, binary], [1, (d) => node('vector', [vector(d - 1)], (x) => `(-${x})`)], [1, () => selector()]])(depth);
  }
  // Which of equal values topk takes is not told: it stands outermost, and the values count.
  const topk = (depth) => { const op = r.pick(['topk', 'bottomk']), by = r.pick(['', ` by (${list(1.5)})`]), k = r.pick([0, 1, 2, 5]); return node('top', [vector(depth - 1)], (x) => `${op}${by} (${k}, ${x})`); };
  return { expression: (depth) => r.weighted([[1, scalar], [1, topk], [18, vector]])(depth) };
}

// Smaller expressions to try: every subtree of the same kind in its place.
export function* smaller(e) {
  for (const c of e.children) if (c.type !== 'matrix') yield c;
  for (let i = 0; i < e.children.length; i++) {
    const c = e.children[i];
    for (const g of c.children) if (g.type === c.type) yield { ...e, children: e.children.with ? e.children.with(i, g) : e.children.map((x, k) => (k === i ? g : x)) };
    for (const s of smaller(c)) if (s.type === c.type) yield { ...e, children: e.children.map((x, k) => (k === i ? s : x)) };
  }
}
