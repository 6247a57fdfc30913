package io.sluice.kernel;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A StatefulSet of real etcd behind a headless Service: members that run as one service account and
 * find each other by the addresses of their pods, on which alone they listen, one by IPv4 and the
 * next by IPv6. For one thread.
 */
final class EtcdSet implements AutoCloseable {
  static final int CLIENT_PORT = 2379;
  static final int PEER_PORT = 2380;
  static final String ACCOUNT = "etcd";

  /** Members start and elect a leader on the processors that the rest of the tests use. */
  private static final Duration PATIENCE = Await.patience(60);

  private final List<SitePod> pods;
  private final Path directory;
  private final Map<SitePod, Process> running =
      new TreeMap<>((a, b) -> a.name().compareTo(b.name()));

  /** Members that keep their data below {@code directory}, none of them started. */
  EtcdSet(List<SitePod> pods, Path directory) {
    this.pods = List.copyOf(pods);
    this.directory = directory;
  }

  /** The manifest of a member. */
  static String pod(SitePod pod) {
    return Manifests.pod(pod)
        .replace("labels: {app: " + pod.name(), "labels: {app: " + ACCOUNT)
        .replace("serviceAccountName: " + pod.name(), "serviceAccountName: " + ACCOUNT);
  }

  /** The headless Service, and the account's permission to reach itself. */
  static String serviceAndPermission() {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      clusterIP: None
      selector: {app: %1$s}
      ports: [{name: tcp-client, port: %3$s}, {name: tcp-peer, port: %4$s}]
    ---
    """
            .formatted(ACCOUNT, Manifests.NAMESPACE, CLIENT_PORT, PEER_PORT)
        + Manifests.trafficTarget(ACCOUNT, ACCOUNT, List.of(CLIENT_PORT, PEER_PORT));
  }

  private String url(SitePod pod, int port) {
    Family family = pods.indexOf(pod) % 2 == 0 ? Family.IPV4 : Family.IPV6;
    return "http://" + IpAddresses.text(pod.at(family, port));
  }

  /** Starts a member on the data it has, if any. */
  void start(SitePod pod) {
    String peers =
        pods.stream()
            .map(each -> each.name() + "=" + url(each, PEER_PORT))
            .collect(Collectors.joining(","));
    running.put(
        pod,
        pod.start(
            "etcd",
            "--name=" + pod.name(),
            "--data-dir=" + directory.resolve(pod.name()),
            "--initial-cluster=" + peers,
            "--initial-advertise-peer-urls=" + url(pod, PEER_PORT),
            "--listen-peer-urls=" + url(pod, PEER_PORT),
            "--advertise-client-urls=" + url(pod, CLIENT_PORT),
            "--listen-client-urls=" + url(pod, CLIENT_PORT),
            "--logger=zap",
            "--log-level=warn",
            "--log-outputs=" + log(pod)));
  }

  private Path log(SitePod pod) {
    return directory.resolve(pod.name() + ".log");
  }

  /** Kills a member and waits for its end; its data stay. */
  void kill(SitePod pod) {
    Process process = running.remove(pod);
    if (process != null) {
      process.destroyForcibly();
      Await.until(pod.name() + " has ended", () -> !process.isAlive());
    }
  }

  /** Returns when a member writes and reads by a quorum. */
  void awaitHealth(SitePod member) {
    try {
      Await.until(
          member.name() + " is healthy",
          PATIENCE,
          () -> !ask(member, member, "endpoint", "health").isEmpty());
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; its log: " + said(member), e);
    }
  }

  private String said(SitePod member) {
    try {
      return Files.readString(log(member));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the log of " + member.name(), e);
    }
  }

  /** What etcdctl inside a pod is answered by a member; fails where it fails. */
  String ask(SitePod from, SitePod member, String... words) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "nsenter",
                "--net=" + from.path(),
                "--",
                "env",
                "ETCDCTL_API=3",
                "etcdctl",
                "--endpoints=" + url(member, CLIENT_PORT)));
    command.addAll(List.of(words));
    return Commands.run(command.toArray(String[]::new));
  }

  @Override
  public void close() {
    pods.forEach(this::kill);
  }
}
