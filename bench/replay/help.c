/* SPDX-License-Identifier: MIT */
#include "help.h"
#include "presets.h"

#include <stdio.h>

void replay_help(void) {
    fputs(
        "Usage: sh bench/run.sh replay [--trace FILE] [options]\n"
        "\n"
        "Drives a pool with a trace of requests and reports what became of them.\n"
        "\n"
        "  --trace FILE        of Azure, ServeGen or Mooncake, told by content; else generated\n"
        "  --limit N           only the first N requests of the trace\n"
        "  --speed X           requests come X times faster than in the trace (1)\n"
        "  --bands H/N/L       percent dealt to high/normal/low, by the seed (0/100/0)\n"
        "  --tenants N         so many tenants, dealt by the seed; the k-th gets 1/k (the "
        "trace's)\n"
        "  --slo TARGET        of goodput (ttft=2s+prompt,tpot=100ms)\n"
        "  --compare A,B,...   several presets side by side, on the same requests\n"
        "  --goodput           every preset at 0.8, 1, 1.3 and 2 times the load of saturation\n"
        "  --svg FILE          draws the comparison, too\n"
        "  --parked-max N      requests that may wait (all of the trace)\n"
        "  --queue-timeout S   seconds that a request may wait (no limit)\n"
        "  --model M           a100-opt-13b, a100-llama3-8b or h100-llama2-7b (the first)\n"
        "  --kv-tokens N       KV cache in tokens, in blocks of 16 (the model's)\n"
        "  --sequences N       requests that may run at once (256)\n"
        "  --steps N           that may be in flight, 1 to 4: planned before those before are done "
        "(1)\n"
        "  --host-time MS      from a plan until its step can begin, in milliseconds (0)\n"
        "  --prefix-cache      prompts share KV as the trace names their blocks (each is computed "
        "whole)\n"
        "  --seed S            of the deal, the generator and the pool (1)\n"
        "  --real-time X       on worker threads and the system's clock, X times faster\n"
        "  --json              one JSON object instead of the table\n"
        "  --self-test         check the parts of this program, and say so\n"
        "  --help              this text\n"
        "\n"
        "Policies:\n"
        "  --policy PRESET     where the values below come from (bands):\n",
        stdout);
    for (uint32_t i = 0; replay_preset_at(i) != NULL; i++)
        printf("      %-10s %s\n", replay_preset_at(i)->name, replay_preset_at(i)->what);
    fputs(
        "  --kv MODE[:PART]    worst_case, optimistic[:WATERMARK], ratio[:FIRST], future_peak or\n"
        "                      predicted[:QUANTILE]\n"
        "  --victim V          newest, least_computed or cheapest\n"
        "  --fairness F        none or vtc\n"
        "  --order O           arrival, deadline, shortest or prefix (with --prefix-cache)\n"
        "  --fit F             strict, first or easy\n"
        "  --step T[/C]        tokens of a step, and of one prompt in it (no limits)\n"
        "  --queue PART        of the target's ttft that a request may wait in the queue (any)\n"
        "  --wait PART         of what it may wait: who is predicted to wait longer is refused\n"
        "  --late PART         who waited in vain goes on behind all others, while the pool is no\n"
        "                      fuller than this part, instead of expiring\n"
        "  --pace PART         while tokens of those who are to be in time take longer than this "
        "part\n"
        "                      of the target's tpot, on average, nobody more is let in\n"
        "  --fixed PART        steps grow beyond --step until what a prefill costs however short "
        "it\n"
        "                      is is at most this part of what its tokens cost\n"
        "\n"
        "Generator: --requests N (10000), --rate R per second (5.5), --gap-cv C (1.1),\n"
        "  --prompt-median T (900), --prompt-sigma S (0.8), --prompt-max T (14000),\n"
        "  --output-median T (129), --output-sigma S (0.9), --output-max T (1000)\n"
        "\n"
        "Exit status: 0, 1 if a rule was broken or the pool failed, 2 for bad input.\n",
        stdout);
}
