// bench/kv/load_client.h - one connection of the load generator.
//
// Sends requests in batches: the next batch leaves when all replies to the last one are judged.
#pragma once

#include "load_check.h"
#include "load_histogram.h"

struct load_settings {
    const char *address;
    uint32_t    threads;
    uint32_t    connections;   // of all threads together
    uint32_t    pipeline;      // requests of one batch
    uint32_t    keys;          // shared ones
    uint32_t    churn;         // a connection is made anew after about so many requests; 0 = never
    double      seconds;       // length of the mix at most
    uint64_t    requests_max;  // of the mix
    uint64_t    seed;
};

// What a thread counts; only its own thread writes it.
struct tally {
    uint64_t         requests;    // answered, of the phase
    uint64_t         lost;
    uint64_t         errors;      // wrong replies and failed connections
    uint64_t         reconnects;
    uint64_t         bytes;       // sent and received
    struct histogram latency;     // of the mix
};

enum client_state { CLIENT_BUSY, CLIENT_DONE, CLIENT_FAILED };

struct client {
    const struct load_settings *settings;
    struct tally               *tally;
    struct plan                 plan;
    int                         fd;         // -1: none
    int64_t                     churn_in;   // requests until the connection is made anew
    uint64_t                    sent_ns;    // when the batch left
    struct expected            *expected;   // settings->pipeline of them
    uint32_t                    batch;      // requests of the batch
    uint32_t                    answered;   // replies judged
    unsigned char              *out;
    size_t                      out_room;
    size_t                      out_start;
    size_t                      out_end;
    unsigned char              *in;
    size_t                      in_room;
    size_t                      in_start;
    size_t                      in_end;
};

bool client_init(struct client *client, const struct load_settings *settings, struct tally *tally,
                 uint32_t number);  // false: no memory
void client_destroy(struct client *client);
bool client_connect(struct client *client);  // closes the former connection, if any
bool client_churns(struct client *client);   // whether it is time for that

// DONE: the phase asks for nothing more. BUSY: wait for client_events, then client_continue.
enum client_state client_send(struct client *client, enum phase phase);
// DONE: all replies of the batch are in. Errors are counted and told on stderr.
enum client_state client_continue(struct client *client, enum phase phase);
uint32_t          client_events(const struct client *client);
