/* A signal that means the process is broken: what was being delivered is noted in the journals, and
 * the signal goes on to whom it would have gone. SIGKILL leaves no note: to be killed from outside
 * makes no request suspicious. */
#include <signal.h>
#include <string.h>

#include "ingest/journal/journal.h"
#include "ingest/pipeline.h"

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
static struct sigaction before[sizeof fatal / sizeof *fatal];

static void note(int signal, siginfo_t *info, void *)
{
    journal_note_crash();
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (fatal[i] == signal) sigaction(signal, &before[i], NULL);
    /* A fault comes again as soon as this returns; what was sent has to be sent again. */
    if (info->si_code <= 0) raise(signal);
}

void pipeline_note_crashes(void)
{
    struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&a.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) sigaction(fatal[i], &a, &before[i]);
}
