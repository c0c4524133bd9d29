/* columns: the arrays of a signal that have one entry a row, by name: X(column). For what does the
 * same to each of them. A column added to model/batch.h is added here.
 *
 * METRIC_COLUMNS are always there; METRIC_OPTIONAL_COLUMNS, in four groups that come and go
 * together, only when a point of the batch is of a type that has them. */
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

#define METRIC_COLUMNS(X)                                                                      \
    X(desc) X(series_id) X(time) X(start_time) X(attrs) X(flags) X(present) X(value)           \
    X(int_value)
#define METRIC_DISTRIBUTION_COLUMNS(X) X(count) X(sum) X(min) X(max)
#define METRIC_HISTOGRAM_COLUMNS(X) X(bucket_counts) X(explicit_bounds)
#define METRIC_EXPONENTIAL_COLUMNS(X)                                                          \
    X(scale) X(zero_count) X(zero_threshold) X(positive_offset) X(negative_offset)             \
    X(positive_counts) X(negative_counts)
#define METRIC_SUMMARY_COLUMNS(X) X(quantiles) X(quantile_values)
#define METRIC_OPTIONAL_COLUMNS(X)                                                             \
    METRIC_DISTRIBUTION_COLUMNS(X) METRIC_HISTOGRAM_COLUMNS(X) METRIC_EXPONENTIAL_COLUMNS(X)   \
    METRIC_SUMMARY_COLUMNS(X)
/* clang-format on */
