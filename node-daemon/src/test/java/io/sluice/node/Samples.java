package io.sluice.node;

import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RemoteLogging;
import io.sluice.mesh.Reporting;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.Service;
import io.sluice.mesh.SettingsDraft;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Tracing;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.TraceSpan;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A shop: a cart that calls a catalogue behind a service. */
public final class Samples {
  public static final NamespacedName CART = new NamespacedName("shop", "cart-0");
  public static final NamespacedName CATALOGUE = new NamespacedName("shop", "catalogue-0");
  public static final NamespacedName SERVICE = new NamespacedName("shop", "catalogue");

  private static final InetSocketAddress CLIENT = endpoint("10.0.0.1", 40_000);
  private static final InetSocketAddress CLUSTER_IP = endpoint("10.96.0.7", 80);
  private static final InetSocketAddress UPSTREAM = endpoint("10.0.0.2", 8_080);

  private Samples() {}

  /** The cart and the catalogue, under settings that say this. */
  public static MeshSnapshot snapshot(@Nullable Tracing tracing, @Nullable RemoteLogging remote) {
    SnapshotEditor editor = snapshot(1, CART, CATALOGUE).edit();
    editor.put(
        SettingsDraft.of(
            MeshSettings.CLOSED,
            draft -> draft.reporting = new Reporting(tracing, remote, Reporting.NO_BUDGET)));
    return editor.snapshot(2);
  }

  public static MeshSnapshot snapshot(long revision, NamespacedName... pods) {
    List<Workload> workloads =
        Arrays.stream(pods)
            .map(pod -> workload(pod, pod.equals(CART) ? "10.0.0.1" : "10.0.0.2"))
            .toList();
    Service service = new Service(SERVICE, List.of(IpAddresses.parse("10.96.0.7")), List.of());
    return new MeshSnapshot(revision, MeshSettings.CLOSED, workloads, List.of(service), List.of());
  }

  /** The same pods, of which metrics are not to tell. */
  public static MeshSnapshot unmeasured(long revision, NamespacedName... pods) {
    var editor = snapshot(revision, pods).edit();
    var hidden =
        new ConnectionSettings(
            Duration.ZERO, SameNodeMtls.DISABLED, LocalProxyMode.LOCALHOST, false);
    snapshot(revision, pods).workloads().forEach(pod -> editor.put(with(pod, hidden)));
    return editor.snapshot(revision);
  }

  private static Workload with(Workload pod, ConnectionSettings connections) {
    return new Workload(
        pod.name(),
        pod.identity(),
        pod.addresses(),
        pod.labels(),
        true,
        null,
        null,
        null,
        false,
        pod.interception(),
        Set.of(),
        pod.mtlsMode(),
        connections,
        List.of(),
        null);
  }

  private static Workload workload(NamespacedName name, String address) {
    return new Workload(
        name,
        identity(name),
        List.of(IpAddresses.parse(address)),
        Map.of("app", name.name().replace("-0", ""), "version", "v1"),
        true,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  /** The cart's side of connection {@code id}. */
  public static ConnectionInfo outbound(long id) {
    return outbound(id, CART, CLUSTER_IP, UPSTREAM, SERVICE);
  }

  /** A pod's side of a connection of which no more is known. */
  public static ConnectionInfo outbound(
      long id,
      NamespacedName pod,
      InetSocketAddress called,
      @Nullable InetSocketAddress upstream,
      @Nullable NamespacedName service) {
    return new ConnectionInfo(
        id,
        Reporter.SOURCE,
        Direction.OUTBOUND,
        pod,
        pod,
        null,
        null,
        false,
        CLIENT,
        called,
        upstream,
        service,
        service == null
            ? null
            : new TrafficRoute.Place(new TrafficRoute.Source("HTTPRoute", service), 1),
        null,
        3);
  }

  /** The same of one that was not led anywhere. */
  public static ConnectionInfo outbound(long id, NamespacedName pod) {
    return outbound(id, pod, CLUSTER_IP, null, null);
  }

  /** A caller on another node that a certificate proves, and that the snapshot cannot name. */
  public static ConnectionInfo certified(long id, SpiffeId caller) {
    return arriving(id, caller, identity(CATALOGUE), UPSTREAM);
  }

  /** Identity of the sample workload with this name. */
  public static SpiffeId identity(NamespacedName name) {
    return new SpiffeId(TrustDomain.CLUSTER_LOCAL, name.namespace(), name.name());
  }

  /** A stranger that called the catalogue. */
  public static ConnectionInfo stranger(long id) {
    return arriving(id, null, null, null);
  }

  private static ConnectionInfo arriving(
      long id,
      @Nullable SpiffeId caller,
      @Nullable SpiffeId called,
      @Nullable InetSocketAddress destination) {
    return new ConnectionInfo(
        id,
        Reporter.DESTINATION,
        Direction.INBOUND,
        CATALOGUE,
        null,
        caller,
        called,
        caller != null,
        endpoint("fd00::9", 50_000),
        destination,
        destination,
        null,
        null,
        null,
        3);
  }

  public static AccessRecord ended(ConnectionInfo info, CloseKind kind) {
    return new AccessRecord(
        info,
        new Verdict(
            Outcome.ALLOWED, Reason.TRAFFIC_TARGET, new NamespacedName("shop", "cart-reads")),
        120,
        4_096,
        Duration.ofMillis(1_500),
        kind,
        Reason.TRAFFIC_TARGET,
        null);
  }

  public static AccessRecord refused(ConnectionInfo info, Reason reason) {
    return new AccessRecord(
        info,
        Verdict.of(Outcome.REFUSED, reason),
        0,
        0,
        Duration.ZERO,
        CloseKind.REFUSED,
        reason,
        null);
  }

  /** A request that the upstream answered. */
  public static RequestRecord request(ConnectionInfo info, int status) {
    return request(info, status, End.WHOLE, null);
  }

  /** One of gRPC, of two messages there and three back. */
  public static RequestRecord grpc(ConnectionInfo info, String status) {
    return request(info, 200, End.WHOLE, status);
  }

  /** One that ended so; a call of gRPC where {@code grpcStatus} says how. */
  public static RequestRecord request(
      ConnectionInfo info, int status, End end, @Nullable String grpcStatus) {
    boolean grpc = grpcStatus != null;
    return new RequestRecord(
        info,
        new Verdict(
            Outcome.ALLOWED, Reason.TRAFFIC_TARGET, new NamespacedName("shop", "cart-reads")),
        grpc ? "HTTP/2" : "HTTP/1.1",
        grpc,
        false,
        "POST",
        "catalogue.shop",
        "/items/7",
        status,
        grpcStatus,
        end,
        120,
        4_096,
        grpc ? 2 : 0,
        grpc ? 3 : 0,
        Duration.ofMillis(30),
        Duration.ofMillis(12).toNanos(),
        Duration.ofMillis(9).toNanos(),
        "curl/8.5",
        "4bf92f35-77b3",
        null,
        Map.of(),
        null);
  }

  /** The same, as a span of a trace. */
  public static RequestRecord traced(RequestRecord one, TraceSpan trace) {
    return asking(one, one.verdict(), one.authority(), one.path(), one.userAgentOrNull(), trace);
  }

  /** The same connection's, as it was asked and decided instead. */
  public static RequestRecord asking(
      RequestRecord one,
      Verdict verdict,
      String authority,
      String path,
      @Nullable String userAgent,
      @Nullable TraceSpan trace) {
    return new RequestRecord(
        one.info(),
        verdict,
        one.version(),
        one.grpc(),
        one.copy(),
        one.method(),
        authority,
        path,
        one.status(),
        one.grpcStatusOrNull(),
        one.end(),
        one.requestBytes(),
        one.responseBytes(),
        one.requestMessages(),
        one.responseMessages(),
        one.duration(),
        one.firstByteNanos(),
        one.upstreamNanos(),
        userAgent,
        one.requestIdOrNull(),
        one.forwardedForOrNull(),
        one.headers(),
        trace);
  }

  /** One that policy refused, or a copy of one. */
  public static RequestRecord refusedRequest(ConnectionInfo info, Reason reason, boolean copy) {
    RequestRecord one = request(info, 403, End.REFUSED, null);
    return new RequestRecord(
        info,
        Verdict.of(Outcome.REFUSED, reason),
        one.version(),
        false,
        copy,
        one.method(),
        one.authority(),
        one.path(),
        one.status(),
        null,
        one.end(),
        0,
        0,
        0,
        0,
        one.duration(),
        null,
        null,
        null,
        Map.of());
  }

  private static InetSocketAddress endpoint(String address, int port) {
    return new InetSocketAddress(IpAddresses.parse(address), port);
  }
}
