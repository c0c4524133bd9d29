// What the tables must hold for an OTLP/JSON request: one plain object for each row, the columns that the request decides. For comparing
// with `select` from the same table. Written from the OTLP specification, not from weir's code.
const letters = { stringValue: 's', intValue: 'i', doubleValue: 'd', boolValue: 'b', bytesValue: 'y', arrayValue: 'a', kvlistValue: 'k' };

function plain(v) {
  if (v.arrayValue) return (v.arrayValue.values ?? []).map(plain);
  if (v.kvlistValue) return Object.fromEntries((v.kvlistValue.values ?? []).map((kv) => [kv.key, plain(kv.value)]));
  if (v.intValue !== undefined) return Number(v.intValue);
  return v.stringValue ?? v.doubleValue ?? v.boolValue ?? v.bytesValue ?? null;
}

export function anyValue(v = {}) {
  const member = Object.keys(letters).find((k) => v[k] !== undefined);
  if (!member) return { letter: 'e', text: '' };
  const p = plain(v);
  return { letter: letters[member], text: typeof p === 'object' ? JSON.stringify(p) : String(p) };
}

function attributes(list = []) {
  const all = list.map((kv) => [kv.key, anyValue(kv.value)]);
  const types = all.map(([, v]) => v.letter).join('');
  return { map: Object.fromEntries(all.map(([k, v]) => [k, v.text])), types: /^s*$/.test(types) ? '' : types };
}

const id = (s, digits) => (s ?? '').toUpperCase().padStart(digits, '0');

function shared(r, s) {
  const resource = attributes(r.resource?.attributes);
  const scope = attributes(s.scope?.attributes);
  return {
    resource_attributes: resource.map,
    resource_attribute_types: resource.types,
    resource_schema_url: r.schemaUrl ?? '',
    scope_name: s.scope?.name ?? '',
    scope_version: s.scope?.version ?? '',
    scope_attributes: scope.map,
    scope_attribute_types: scope.types,
    scope_schema_url: s.schemaUrl ?? '',
  };
}

const sharedColumns = 'resource_attributes, resource_attribute_types, resource_schema_url, scope_name, scope_version, scope_attributes, scope_attribute_types, scope_schema_url';

export const select = {
  traces: `SELECT hex(trace_id) trace_id, hex(span_id) span_id, hex(parent_span_id) parent_span_id, trace_state, span_name, span_kind,
      toString(toUnixTimestamp64Nano(timestamp)) start, toString(duration_ns) duration, status_code, status_message, flags, span_attributes,
      span_attribute_types, ${sharedColumns} FROM otel_traces ORDER BY ALL`,
  logs: `SELECT toString(toUnixTimestamp64Nano(timestamp)) time, toString(toUnixTimestamp64Nano(observed_timestamp)) observed, severity_number, severity_text,
      event_name, hex(trace_id) trace_id, hex(span_id) span_id, body, body_type, log_attributes, log_attribute_types, flags, ${sharedColumns} FROM otel_logs ORDER BY ALL`,
  metrics: `SELECT m.metric_name name, m.type type, s.unit unit, s.description description, s.temporality temporality, s.monotonic monotonic, s.attributes attributes,
      toString(toUnixTimestamp64Milli(m.timestamp)) time, toString(toUnixTimestamp64Milli(m.start_timestamp)) start, if(m.int_value != 0, toFloat64(m.int_value), m.value) value, m.count count, m.sum sum, m.min min, m.max max,
      m.bucket_counts bucket_counts, s.explicit_bounds explicit_bounds, m.scale scale, m.zero_count zero_count, m.positive_offset positive_offset,
      m.positive_counts positive_counts, s.resource_attributes resource_attributes, s.scope_name scope_name
      FROM otel_metrics m INNER JOIN otel_metric_series s ON m.series_id = s.series_id ORDER BY name`,
};

export function expectedTraces(request) {
  return request.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans.map((x) => {
    const a = attributes(x.attributes);
    return {
      trace_id: id(x.traceId, 32), span_id: id(x.spanId, 16), parent_span_id: id(x.parentSpanId, 16), trace_state: x.traceState ?? '',
      span_name: x.name, span_kind: x.kind ?? 0, start: x.startTimeUnixNano, duration: String(BigInt(x.endTimeUnixNano) - BigInt(x.startTimeUnixNano)),
      status_code: x.status?.code ?? 0, status_message: x.status?.message ?? '', flags: x.flags ?? 0, span_attributes: a.map, span_attribute_types: a.types,
      ...shared(r, s),
    };
  })));
}

export function expectedLogs(request) {
  return request.resourceLogs.flatMap((r) => r.scopeLogs.flatMap((s) => s.logRecords.map((x) => {
    const a = attributes(x.attributes);
    const body = anyValue(x.body);
    return {
      time: x.timeUnixNano, observed: x.observedTimeUnixNano ?? '0', severity_number: x.severityNumber ?? 0, severity_text: x.severityText ?? '',
      event_name: x.eventName ?? '', trace_id: id(x.traceId, 32), span_id: id(x.spanId, 16), body: body.text, body_type: body.letter === 's' ? '' : body.letter,
      log_attributes: a.map, log_attribute_types: a.types, flags: x.flags ?? 0, ...shared(r, s),
    };
  })));
}

const kinds = [['gauge', 1], ['sum', 2], ['histogram', 3], ['exponentialHistogram', 4], ['summary', 5]];

export function expectedMetrics(request) {
  const ms = (ns) => String(BigInt(ns ?? 0) / 1000000n);
  const rows = request.resourceMetrics.flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics.flatMap((m) => {
    const [kind, type] = kinds.find(([k]) => m[k]);
    return m[kind].dataPoints.map((p) => ({
      name: m.name, type, unit: m.unit ?? '', description: m.description ?? '', temporality: m[kind].aggregationTemporality ?? 0, monotonic: m[kind].isMonotonic ? 1 : 0,
      attributes: attributes(p.attributes).map, time: ms(p.timeUnixNano), start: ms(p.startTimeUnixNano), value: Number(p.asDouble ?? p.asInt ?? 0), count: Number(p.count ?? 0),
      sum: p.sum ?? 0, min: p.min ?? 0, max: p.max ?? 0, bucket_counts: (p.bucketCounts ?? []).map(Number), explicit_bounds: p.explicitBounds ?? [], scale: p.scale ?? 0,
      zero_count: Number(p.zeroCount ?? 0), positive_offset: p.positive?.offset ?? 0, positive_counts: (p.positive?.bucketCounts ?? []).map(Number),
      resource_attributes: attributes(r.resource?.attributes).map, scope_name: s.scope?.name ?? '',
    }));
  })));
  return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
}
