// The floor: an epoll loop that reads a request and writes the same bytes, whatever was asked.
// Usage: floor PORT FILE, where FILE holds the whole answer, head and body.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MOST = 1 << 16, REQUEST_MOST = 1 << 14, EVENTS = 256 };

static char answer[ANSWER_MOST], request[REQUEST_MOST];

static int listening_on(int port) {
    int one = 1, listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 1024)) {
        perror("floor: cannot listen");
        exit(1);
    }
    return listening;
}

static void watch(int epoll, int socket) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
    epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

static void welcome(int epoll, int listening) {
    int one = 1, client = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
    if (client < 0) return;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(epoll, client);
}

// Clients send one request at a time, and each arrives in one piece.
static void serve(int client, size_t length) {
    ssize_t got = read(client, request, sizeof request);
    if (got <= 0 || write(client, answer, length) != (ssize_t)length) close(client);
}

int main(int count, char **words) {
    if (count != 3) return fprintf(stderr, "usage: floor PORT FILE\n"), 2;
    int file = open(words[2], O_RDONLY), epoll = epoll_create1(0), listening = listening_on(atoi(words[1]));
    ssize_t length = file < 0 ? -1 : read(file, answer, sizeof answer);
    if (length <= 0) return fprintf(stderr, "floor: cannot read %s\n", words[2]), 1;
    watch(epoll, listening);
    for (struct epoll_event events[EVENTS];;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listening) welcome(epoll, listening);
            else serve(events[i].data.fd, length);
        }
    }
}
