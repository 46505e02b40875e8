// An open-loop load: requests by a fixed schedule, whether or not earlier ones have been answered, each timed from when
// it was due, so that a stall counts for all that should have been asked meanwhile.
// Usage: openloop PORT CONNECTIONS RATE SECONDS WARM_UP IDS SEED [REDIS_SOCKET STREAM RATE]
// RATE 0: each of IDS once, in order, as fast as it is answered. Prints JSON; times are microseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 1024, HEAD_MOST = 8192, STEPS = 64, OCTAVES = 40, EVENTS = 256 };
static const int64_t SECOND = 1000000000, GIVE_UP_AFTER = 20 * 1000000000LL;

struct connection {
    int socket;
    int64_t due;    // of the request under way
    size_t head;    // bytes of the head so far
    int64_t body;   // bytes of the body to come; -1 while the head is read
    char text[HEAD_MOST + 1];
};

static struct connection connections[CONNECTIONS_MOST];
// Those that have waited longest are used first: a server may close what was not used for some seconds.
static int idle[CONNECTIONS_MOST], idle_first, idle_count, epoll;
static uint64_t histogram[OCTAVES * STEPS], answered, counted, refused, from_l1, unproven, drawn;
static int64_t worst, counted_from;

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * SECOND + at.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t draw(void) {  // xorshift64
    drawn ^= drawn << 13, drawn ^= drawn >> 7, drawn ^= drawn << 17;
    return drawn;
}

// Buckets: one a microsecond up to 64, then 64 in each octave, so that each is at most 1.6 % wide.
static unsigned bucket_of(uint64_t value) {
    if (value < STEPS) return value;
    int octave = 63 - __builtin_clzll(value) - 5;
    return octave * STEPS / 2 + (value >> octave);
}

static uint64_t most_in(unsigned bucket) {
    if (bucket < STEPS) return bucket;
    unsigned octave = bucket / (STEPS / 2) - 1;
    return ((uint64_t)(bucket - octave * STEPS / 2 + 1) << octave) - 1;
}

static void record(int64_t due, int64_t at) {
    if (due < counted_from) return;
    int64_t took = (at - due) / 1000;
    if (took > worst) worst = took;
    counted++, histogram[bucket_of(took)]++;
}

static void watch(int socket, int number) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event)) fail("epoll_ctl");
}

static void rest(int number) {
    idle[(idle_first + idle_count++) % CONNECTIONS_MOST] = number;
}

static int wake(void) {
    int number = idle[idle_first];
    idle_first = (idle_first + 1) % CONNECTIONS_MOST, idle_count--;
    return number;
}

static void open_connection(int port, int number) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, made = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(made, (struct sockaddr *)&address, sizeof address)) fail("openloop: cannot connect");
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections[number].socket = made;
    rest(number);
    watch(made, number);
}

static void ask(uint64_t id, int64_t due) {
    struct connection *one = &connections[wake()];
    char request[128];
    int length = snprintf(request, sizeof request, "GET /home/%lu HTTP/1.1\r\nhost: benchmark\r\n\r\n", id);
    one->due = due, one->head = 0, one->body = -1;
    if (write(one->socket, request, length) != length) fail("openloop: cannot write");
}

static void finished(int number) {
    struct connection *one = &connections[number];
    answered++;
    if (strncmp(one->text, "HTTP/1.1 200", 12)) refused++;
    if (strcasestr(one->text, "detail=\"L1\"")) from_l1++;
    if (strcasestr(one->text, "unproven")) unproven++;
    record(one->due, now());
    rest(number);
}

static void take(int number, const char *data, ssize_t count) {
    struct connection *one = &connections[number];
    if (one->body < 0) {
        size_t room = HEAD_MOST - one->head, copied = (size_t)count < room ? (size_t)count : room;
        memcpy(one->text + one->head, data, copied);
        one->text[one->head + copied] = 0;
        char *end = strstr(one->text, "\r\n\r\n"), *length = strcasestr(one->text, "\r\ncontent-length:");
        if (!end) { one->head += copied; return; }
        int64_t in_body = (int64_t)one->head + count - (end + 4 - one->text);
        *end = 0;
        one->body = (length && length < end ? atoll(length + 17) : 0) - in_body;
    } else {
        one->body -= count;
    }
    if (one->body <= 0) finished(number);
}

static void receive(int number) {
    static char data[1 << 16];
    ssize_t count = read(connections[number].socket, data, sizeof data);
    if (count <= 0) { fprintf(stderr, "openloop: the server closed a connection\n"); exit(1); }
    take(number, data, count);
}

static int open_redis(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int made = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(made, (struct sockaddr *)&address, sizeof address)) fail("openloop: cannot connect to Redis");
    watch(made, CONNECTIONS_MOST);
    return made;
}

static void invalidate(int redis, const char *stream, uint64_t id) {
    char tags[64], command[512];
    int length = snprintf(tags, sizeof tags, "[\"m0:%lu\"]", id);
    length = snprintf(command, sizeof command, "*5\r\n$4\r\nXADD\r\n$%zu\r\n%s\r\n$1\r\n*\r\n$4\r\ntags\r\n$%d\r\n%s\r\n",
                      strlen(stream), stream, length, tags);
    if (write(redis, command, length) != length) fail("openloop: cannot write to Redis");
}

static void acknowledged(int redis) {
    static char replies[1 << 16];
    ssize_t count = read(redis, replies, sizeof replies);
    if (count <= 0 || memchr(replies, '-', 1)) { fprintf(stderr, "openloop: Redis refused an invalidation\n"); exit(1); }
}

static void report(uint64_t due, uint64_t invalidated, int64_t took) {
    printf("{\"due\":%lu,\"answered\":%lu,\"counted\":%lu,\"refused\":%lu,\"from_l1\":%lu,\"unproven\":%lu,\"invalidated\":%lu,"
           "\"seconds\":%.3f,\"worst\":%ld,\"histogram\":[", due, answered, counted, refused, from_l1, unproven, invalidated,
           (double)took / SECOND, worst);
    const char *comma = "";
    for (unsigned bucket = 0; bucket < OCTAVES * STEPS; bucket++) {
        if (!histogram[bucket]) continue;
        printf("%s[%lu,%lu]", comma, most_in(bucket), histogram[bucket]);
        comma = ",";
    }
    puts("]}");
}

int main(int count, char **words) {
    if (count != 8 && count != 11) return fprintf(stderr, "openloop: see its source for its arguments\n"), 2;
    int wanted = atoi(words[2]), redis = -1;
    double rate = atof(words[3]), seconds = atof(words[4]), invalidations = count == 11 ? atof(words[10]) : 0;
    uint64_t ids = strtoull(words[6], NULL, 10), total = rate > 0 ? (uint64_t)(rate * seconds) : ids;
    uint64_t asked = 0, invalidated = 0;
    drawn = strtoull(words[7], NULL, 10) * 2654435769u + 1;
    prctl(PR_SET_TIMERSLACK, 1);
    epoll = epoll_create1(0);
    for (int number = 0; number < wanted && number < CONNECTIONS_MOST; number++) open_connection(atoi(words[1]), number);
    if (count == 11) redis = open_redis(words[8]);
    int64_t start = now(), end = start + (int64_t)(seconds * SECOND), at;
    counted_from = start + (int64_t)(atof(words[5]) * SECOND);
    while (answered < total && (at = now()) < (rate > 0 ? end + GIVE_UP_AFTER : INT64_MAX)) {
        int64_t due = rate > 0 ? start + (int64_t)(asked * (SECOND / rate)) : at;
        while (asked < total && idle_count && due <= at) {
            ask(rate > 0 ? draw() % ids + 1 : asked + 1, due);
            asked++;
            if (rate > 0) due = start + (int64_t)(asked * (SECOND / rate));
        }
        int64_t wait = asked < total && idle_count ? due - at : SECOND;
        if (redis >= 0 && at < end) {
            int64_t next = start + (int64_t)(invalidated * (SECOND / invalidations));
            if (next <= at) invalidate(redis, words[9], draw() % ids + 1), invalidated++;
            else if (next - at < wait) wait = next - at;
            if (next <= at) wait = 0;
        }
        struct timespec timeout = {wait / SECOND, wait > 0 ? wait % SECOND : 0};
        struct epoll_event events[EVENTS];
        int ready = epoll_pwait2(epoll, events, EVENTS, &timeout, NULL);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u32 == CONNECTIONS_MOST) acknowledged(redis);
            else receive(events[i].data.u32);
        }
    }
    report(total, invalidated, now() - start);
    return 0;
}
