package io.sluice.mesh;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;

/**
 * How a port of a pod is asked whether it is well, as its readiness probe has it.
 *
 * @param port 1..65535
 * @param how what is asked, and which answer is good
 * @param target path of {@link How#HTTP}, service of {@link How#GRPC}; else empty
 * @param interval from one check to the next, in whole seconds
 * @param timeout within which the answer has to come, in whole seconds; no longer than the interval
 */
public record HealthCheck(int port, How how, String target, Duration interval, Duration timeout) {
  /** Where no probe says, as of Kubernetes and of OSM. */
  public static final Duration DEFAULT_INTERVAL = Duration.ofSeconds(10);

  /** Likewise. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(1);

  /** Longest interval; longer ones of probes are cut. */
  public static final Duration MAX_INTERVAL = Duration.ofHours(1);

  /** Longest path or name. */
  public static final int TARGET_CHARACTERS = 1_024;

  /** What is asked. */
  public enum How {
    /** Whether somebody accepts. */
    TCP,
    /** {@code GET} of a path, to be answered with 200 to 399, as of the kubelet. */
    HTTP,
    /** {@code grpc.health.v1.Health/Check}, to be answered with {@code SERVING}. */
    GRPC,
    /** Whether a {@code GET} of {@code /} is answered at all. */
    ANY_HTTP,
    /** Whether a call of {@code grpc.health.v1} is answered at all, but for one not serving. */
    ANY_GRPC
  }

  public HealthCheck {
    boolean path = target.startsWith("/");
    Ports.require(port);
    if (target.length() > TARGET_CHARACTERS || !target.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException("a target is printable ASCII, and not too long");
    }
    if (how == How.HTTP ? !path : how != How.GRPC && !target.isEmpty()) {
      throw new IllegalArgumentException("'" + target + "' is no target of " + how);
    }
    if (interval.compareTo(Duration.ofSeconds(1)) < 0
        || interval.compareTo(MAX_INTERVAL) > 0
        || timeout.compareTo(Duration.ofSeconds(1)) < 0
        || timeout.compareTo(interval) > 0) {
      throw new IllegalArgumentException("interval or time-out is out of range");
    }
  }

  /** As a probe says it, with times that are cut to what may be. */
  public static HealthCheck ofProbe(int port, How how, String target, int period, int timeout) {
    long most = MAX_INTERVAL.toSeconds();
    long interval = Math.clamp((long) period, 1, most);
    return new HealthCheck(
        port,
        how,
        target,
        Duration.ofSeconds(interval),
        Duration.ofSeconds(Math.clamp((long) timeout, 1, interval)));
  }

  /**
   * How that endpoint of {@code pod} is asked: by the probe of its port, else by what the Services
   * of the pod's namespace that have it declare it to speak.
   */
  public static HealthCheck of(MeshSnapshot snapshot, Workload pod, InetSocketAddress endpoint) {
    return declared(pod, endpoint.getPort())
        .orElseGet(() ->
            new HealthCheck(
                endpoint.getPort(),
                snapshot.find(Kind.SERVICE, Kind.SERVICES_BY_ENDPOINT, endpoint).stream()
                    .filter(service -> service.name().namespace().equals(pod.name().namespace()))
                    .flatMap(service -> service.ports().stream())
                    .filter(port ->
                        port.endpoints().stream().anyMatch(one -> one.address().equals(endpoint)))
                    .map(port -> by(port.protocol()))
                    .filter(how -> how != How.TCP)
                    .findFirst()
                    .orElse(How.TCP),
                "",
                DEFAULT_INTERVAL,
                DEFAULT_TIMEOUT));
  }

  private static Optional<HealthCheck> declared(Workload pod, int port) {
    return pod.healthChecks().stream().filter(check -> check.port == port).findFirst();
  }

  private static How by(AppProtocol protocol) {
    return switch (protocol) {
      case HTTP, GRPC_WEB, WS -> How.ANY_HTTP;
      case HTTP2, GRPC -> How.ANY_GRPC;
      case UNDECLARED, TCP, TCP_SERVER_FIRST, MQTT, TLS -> How.TCP;
    };
  }
}
