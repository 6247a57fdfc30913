package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** A pod for each test, and rules in it by any variant. */
abstract class RulesInAPod {
  static IptablesBackend backend;

  TestPod pod;

  @BeforeAll
  static void probe() {
    backend = IptablesBackend.probe(new LinuxNetworkNamespaces());
  }

  @BeforeEach
  void create() throws Exception {
    pod = new TestPod();
  }

  @AfterEach
  void delete() throws Exception {
    pod.close();
  }

  PodRedirection apply(PodTraffic traffic) {
    return apply("nft", traffic);
  }

  PodRedirection apply(String variant, PodTraffic traffic) {
    var redirection = new PodRedirection(pod.netns, TestPod.only(backend, variant));
    redirection.apply(traffic);
    return redirection;
  }

  static InetAddress neighbour(Family family) {
    return family == Family.IPV4 ? TestPod.NEIGHBOUR4 : TestPod.NEIGHBOUR6;
  }

  static void send(int fd, InetAddress to, int port) {
    Sockets.sendTo(fd, ByteBuffer.wrap(new byte[8]), 0, new InetSocketAddress(to, port));
  }

  static void isEperm(Throwable thrown) {
    assertThat(thrown).isInstanceOf(LinuxException.class);
    assertThat(((LinuxException) thrown).errno()).isEqualTo(Errno.EPERM);
  }

  static List<CountedVerdict> verdicts(PodRedirection redirection) {
    return redirection.verdicts(() -> true);
  }

  /** As the kernel tells it, which has to be what a program prints: a pod may speak by itself. */
  static long count(PodRedirection redirection, Reason reason) {
    long told = count(verdicts(redirection), reason);
    long printed = count(redirection.verdicts(() -> false), reason);
    assertThat(printed).isBetween(told, count(verdicts(redirection), reason));
    return told;
  }

  private static long count(List<CountedVerdict> verdicts, Reason reason) {
    return verdicts.stream()
        .filter(verdict -> verdict.reason() == reason)
        .mapToLong(CountedVerdict::count)
        .sum();
  }
}
