/* Lines of braille characters: each has two by four dots. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/utf8.h"
#include "cmd/promql_print.h"

enum { AXIS = 12, LEGEND_MAX = 12, COLOURS = 6 };

struct canvas {
    unsigned width, height; /* characters */
    uint8_t *dots, *colour; /* of each character */
    double t0, t1, v0, v1;
};

static void bounds(const struct promql_answer *r, struct canvas *c)
{
    c->t0 = c->v0 = INFINITY;
    c->t1 = c->v1 = -INFINITY;
    for (uint32_t i = 0; i < r->n_series; i++)
        for (uint32_t k = 0; k < r->series[i].n_points; k++) {
            const struct answer_point *p = &r->series[i].points[k];
            if (!isfinite(p->v)) continue;
            c->t0 = fmin(c->t0, p->t), c->t1 = fmax(c->t1, p->t);
            c->v0 = fmin(c->v0, p->v), c->v1 = fmax(c->v1, p->v);
        }
    if (c->v0 == c->v1) { /* a flat line lies in the middle */
        double half = c->v0 != 0 ? fabs(c->v0) / 2 : 1;
        c->v0 -= half, c->v1 += half;
    }
    if (c->t0 == c->t1) c->t0 -= 0.5, c->t1 += 0.5;
}

static void dot(struct canvas *c, int x, int y, uint8_t colour)
{
    static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= (int)c->width * 2 || y >= (int)c->height * 4) return;
    unsigned at = (unsigned)(y / 4) * c->width + (unsigned)(x / 2);
    c->dots[at] |= bits[y % 4][x % 2];
    c->colour[at] = colour;
}

static int place(double v, double from, double to, int n)
{
    return (int)lround((v - from) / (to - from) * (n - 1));
}

static void line(struct canvas *c, int x0, int y0, int x1, int y1, uint8_t colour)
{
    int wide = abs(x1 - x0), high = abs(y1 - y0), n = wide > high ? wide : high;
    for (int i = 0; i <= n; i++)
        dot(c, x0 + (n ? (x1 - x0) * i / n : 0), y0 + (n ? (y1 - y0) * i / n : 0), colour);
}

/* Points further apart than twice the smallest step have a gap between them. */
static double step_of(const struct answer_series *s)
{
    double step = INFINITY;
    for (uint32_t k = 1; k < s->n_points; k++)
        step = fmin(step, s->points[k].t - s->points[k - 1].t);
    return step;
}

static void draw(struct canvas *c, const struct answer_series *s, uint8_t colour)
{
    double step = step_of(s);
    const struct answer_point *last = NULL;
    for (uint32_t k = 0; k < s->n_points; k++) {
        const struct answer_point *p = &s->points[k];
        if (!isfinite(p->v)) {
            last = NULL;
            continue;
        }
        int rows = (int)c->height * 4, columns = (int)c->width * 2;
        int x = place(p->t, c->t0, c->t1, columns), y = rows - 1 - place(p->v, c->v0, c->v1, rows);
        if (last && p->t - last->t <= step * 1.5)
            line(c, place(last->t, c->t0, c->t1, columns),
                 rows - 1 - place(last->v, c->v0, c->v1, rows), x, y, colour);
        else
            dot(c, x, y, colour);
        last = p;
    }
}

static void paint(struct buf *out, bool colour, uint8_t which)
{
    if (colour) buf_printf(out, "\x1b[3%dm", 1 + which % COLOURS);
}

static void row(struct buf *out, const struct canvas *c, unsigned y, bool colour)
{
    double v = c->v1 - (c->v1 - c->v0) * y / (c->height > 1 ? c->height - 1 : 1);
    bool told = y == 0 || y == c->height - 1 || y == c->height / 2;
    if (told)
        buf_printf(out, "%*.4g \u2524", AXIS - 2, v);
    else
        buf_printf(out, "%*s \u2502", AXIS - 2, "");
    for (unsigned x = 0; x < c->width; x++) {
        unsigned at = y * c->width + x;
        char text[4];
        if (!c->dots[at]) {
            buf_char(out, ' ');
            continue;
        }
        paint(out, colour, c->colour[at]);
        buf_add(out, (str){text, utf8_put(0x2800u + c->dots[at], text)});
        if (colour) buf_add(out, S("\x1b[0m"));
    }
    buf_char(out, '\n');
}

static void time_axis(struct buf *out, const struct canvas *c)
{
    const char *form = c->t1 - c->t0 < 86400 ? "%H:%M:%S" : "%Y-%m-%d %H:%M";
    char from[32], to[32];
    time_t t0 = (time_t)c->t0, t1 = (time_t)c->t1;
    struct tm tm;
    strftime(from, sizeof from, form, gmtime_r(&t0, &tm));
    strftime(to, sizeof to, form, gmtime_r(&t1, &tm));
    buf_printf(out, "%*s\u2514", AXIS - 1, "");
    for (unsigned x = 0; x < c->width; x++) buf_add(out, S("\u2500"));
    int between = (int)c->width - (int)strlen(from) - (int)strlen(to);
    buf_printf(out, "\n%*s%s%*s%s UTC\n", AXIS, "", from, between > 1 ? between : 1, "", to);
}

static void legend(struct buf *out, const struct promql_answer *r, bool colour)
{
    for (uint32_t i = 0; i < r->n_series && i < LEGEND_MAX; i++) {
        const struct answer_series *s = &r->series[i];
        paint(out, colour, (uint8_t)i);
        buf_add(out, S("  \u2022 "));
        if (colour) buf_add(out, S("\x1b[0m"));
        promql_print_metric(out, s);
        if (s->n_points) buf_printf(out, "  " STR_FMT, STR_ARG(s->points[s->n_points - 1].text));
        buf_char(out, '\n');
    }
    if (r->n_series > LEGEND_MAX)
        buf_printf(out, "  and %" PRIu32 " more\n", r->n_series - LEGEND_MAX);
}

void promql_print_plot(struct arena *a, struct buf *out, const struct promql_answer *r,
                       unsigned width, unsigned height, bool colour)
{
    struct canvas c = {.width = width > AXIS + 20 ? width - AXIS - 1 : 20,
                       .height = height > 4 ? height : 4};
    size_t n = (size_t)c.width * c.height;
    bounds(r, &c);
    if (!(c.t0 <= c.t1)) {
        buf_add(out, S("nothing to plot\n"));
        return;
    }
    c.dots = memset(arena_alloc(a, n, 1), 0, n);
    c.colour = memset(arena_alloc(a, n, 1), 0, n);
    for (uint32_t i = 0; i < r->n_series; i++) draw(&c, &r->series[i], (uint8_t)(i % COLOURS));
    for (unsigned y = 0; y < c.height; y++) row(out, &c, y, colour);
    time_axis(out, &c);
    legend(out, r, colour);
}
