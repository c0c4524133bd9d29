/* columns: the arrays of a signal that have one entry a row, by name: X(column). For what does the
 * same to each of them. A column added to model/batch.h is added here. */
#pragma once

/* clang-format off */
#define SPAN_COLUMNS(X)                                                                     \
    X(trace_id) X(span_id) X(parent_span_id) X(start_time) X(end_time) X(resource) X(scope) \
    X(name) X(trace_state) X(status_message) X(flags) X(kind) X(status_code) X(attrs)       \
    X(dropped_attributes) X(dropped_events) X(dropped_links) X(events) X(links)             \
    X(adjusted_count)

#define LOG_COLUMNS(X)                                                                           \
    X(time) X(observed_time) X(time_origin) X(resource) X(scope) X(trace_id) X(span_id) X(flags) \
    X(severity_number) X(severity_text) X(event_name) X(body) X(attrs) X(dropped_attributes)

#define METRIC_COLUMNS(X)                                                                    \
    X(desc) X(series_id) X(time) X(start_time) X(attrs) X(flags) X(present) X(value)         \
    X(int_value) X(count) X(sum) X(min) X(max) X(bucket_counts) X(explicit_bounds) X(scale)  \
    X(zero_count) X(zero_threshold) X(positive_offset) X(negative_offset) X(positive_counts) \
    X(negative_counts) X(quantiles) X(quantile_values)
/* clang-format on */
