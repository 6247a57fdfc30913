package io.sluice.linux.capability;

import io.sluice.linux.Errno;
import io.sluice.linux.bpf.AttachType;
import io.sluice.linux.bpf.MapType;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.BpfAttempt;
import io.sluice.linux.syscall.BpfCalls;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.Scratch;
import io.sluice.linux.syscall.SystemCalls;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/**
 * Finds out what this kernel can do, by doing it with the smallest program or map. Leaves nothing
 * behind. Whether the real programs load is another question, answered by loading them.
 */
public final class FeatureProbe {
  private static final int CGROUP_SKB = 8;
  private static final int SOCK_OPS = 13;
  private static final int SK_MSG = 16;
  private static final int CGROUP_SOCK_ADDR = 18;
  private static final int CGROUP_SOCKOPT = 25;
  private static final int SK_LOOKUP = 30;
  private static final int HELPER_SETSOCKOPT = 49;
  private static final int HELPER_NETNS_COOKIE = 122;
  private static final int SO_BINDTOIFINDEX = 62;
  private static final int NO_PREALLOCATION = 1;

  /** Tries one feature; some milliseconds at most. */
  public FeatureAnswer probe(KernelFeature feature) {
    int result =
        switch (feature) {
          case CGROUP_CONNECT4 -> hook(AttachType.CGROUP_INET4_CONNECT);
          case CGROUP_CONNECT6 -> hook(AttachType.CGROUP_INET6_CONNECT);
          case CGROUP_SENDMSG4 -> hook(AttachType.CGROUP_UDP4_SENDMSG);
          case CGROUP_SENDMSG6 -> hook(AttachType.CGROUP_UDP6_SENDMSG);
          case CGROUP_GETPEERNAME4 -> hook(AttachType.CGROUP_INET4_GETPEERNAME);
          case CGROUP_GETPEERNAME6 -> hook(AttachType.CGROUP_INET6_GETPEERNAME);
          case CGROUP_GETSOCKOPT ->
              program(CGROUP_SOCKOPT, AttachType.CGROUP_GETSOCKOPT, BpfAttempt.allow());
          case CONNECT_SETSOCKOPT ->
              program(
                  CGROUP_SOCK_ADDR,
                  AttachType.CGROUP_INET4_CONNECT,
                  BpfAttempt.setSocketOption(
                      HELPER_SETSOCKOPT, Sockets.SOL_SOCKET, SO_BINDTOIFINDEX));
          case CONNECT_NETNS_COOKIE ->
              program(
                  CGROUP_SOCK_ADDR,
                  AttachType.CGROUP_INET4_CONNECT,
                  BpfAttempt.callWithContext(HELPER_NETNS_COOKIE));
          case SOCK_OPS -> program(SOCK_OPS, AttachType.CGROUP_SOCK_OPS, BpfAttempt.allow());
          case SOCK_OPS_NETNS_COOKIE ->
              program(
                  SOCK_OPS,
                  AttachType.CGROUP_SOCK_OPS,
                  BpfAttempt.callWithContext(HELPER_NETNS_COOKIE));
          case EGRESS_NETNS_COOKIE ->
              program(
                  CGROUP_SKB,
                  AttachType.CGROUP_INET_EGRESS,
                  BpfAttempt.callWithContext(HELPER_NETNS_COOKIE));
          case SK_LOOKUP -> program(SK_LOOKUP, AttachType.SK_LOOKUP, BpfAttempt.allow());
          case SK_MSG -> program(SK_MSG, AttachType.SK_MSG_VERDICT, BpfAttempt.allow());
          case BPF_LINK -> expect(Errno.EBADF, BpfAttempt.linkOfNothing());
          case SOCKMAP_LISTENERS -> socketMapListeners();
          case SK_STORAGE -> socketStorage();
          case RING_BUFFER -> close(BpfAttempt.map(MapType.RINGBUF, 0, 0, SystemCalls.pageBytes()));
          case MAP_BATCH -> mapBatch();
          case SO_NETNS_COOKIE -> netnsCookie();
        };
    return new FeatureAnswer(feature, result >= 0, result >= 0 ? "" : reason(feature, -result));
  }

  /** Tries all features. */
  public Map<KernelFeature, FeatureAnswer> probeAll() {
    var answers = new EnumMap<KernelFeature, FeatureAnswer>(KernelFeature.class);
    Arrays.stream(KernelFeature.values()).forEach(feature -> answers.put(feature, probe(feature)));
    return answers;
  }

  private static int hook(AttachType type) {
    return program(CGROUP_SOCK_ADDR, type, BpfAttempt.allow());
  }

  private static int program(int programType, AttachType type, long... instructions) {
    return close(BpfAttempt.load(programType, type.number(), instructions));
  }

  private static int socketMapListeners() {
    int map = BpfAttempt.map(MapType.SOCKMAP, Integer.BYTES, Long.BYTES, 1);
    if (map < 0) {
      return map;
    }
    try {
      int listener = Sockets.listenTcp(InetAddress.ofLiteral("127.0.0.1"), 0, 1);
      try {
        var scratch = Scratch.current();
        var index = scratch.first(Integer.BYTES);
        var value = scratch.second(Long.BYTES);
        value.buffer().putLong(listener);
        return BpfCalls.update(map, index.segment(), value.segment(), 0);
      } finally {
        Sockets.close(listener);
      }
    } finally {
      FileCalls.close(map);
    }
  }

  private static int socketStorage() {
    int btf = BpfAttempt.intTypes();
    if (btf < 0) {
      return btf;
    }
    try {
      return close(
          BpfAttempt.map(
              MapType.SK_STORAGE, Integer.BYTES, Integer.BYTES, 0, NO_PREALLOCATION, btf));
    } finally {
      FileCalls.close(btf);
    }
  }

  private static int mapBatch() {
    int map = BpfAttempt.map(MapType.HASH, Integer.BYTES, Integer.BYTES, 1);
    if (map < 0) {
      return map;
    }
    try {
      return expect(Errno.ENOENT, BpfAttempt.lookupBatch(map));
    } finally {
      FileCalls.close(map);
    }
  }

  private static int netnsCookie() {
    int socket = Sockets.tcpSocket(Sockets.Family.IPV4);
    try {
      return Sockets.hasNetnsCookie(socket) ? 0 : -Errno.ENOPROTOOPT.number();
    } finally {
      Sockets.close(socket);
    }
  }

  /** Turns the refusal that shows the feature is known into success. */
  private static int expect(Errno errno, int result) {
    return result == -errno.number() ? 0 : result;
  }

  private static int close(int fd) {
    return fd < 0 ? fd : Math.max(0, FileCalls.close(fd));
  }

  private static String reason(KernelFeature feature, int number) {
    Errno errno = Errno.of(number);
    String cause =
        errno == Errno.EPERM || errno == Errno.EACCES
            ? "not permitted: check capabilities, seccomp and security modules"
            : "mainline has it since Linux " + feature.since();
    return "no " + feature.purpose() + ": " + errno + " (" + errno.text() + "), " + cause;
  }
}
