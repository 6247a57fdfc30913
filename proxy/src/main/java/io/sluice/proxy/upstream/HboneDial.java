package io.sluice.proxy.upstream;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Workload;
import io.sluice.proxy.hbone.HbonePool;
import io.sluice.proxy.hbone.HboneRequest;
import io.sluice.proxy.hbone.HboneStream;
import io.sluice.proxy.hbone.OpenFailure;
import io.sluice.proxy.hbone.PoolKey;
import io.sluice.proxy.tls.TlsIdentity;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reaches a workload of another node by a stream of a shared connection. */
final class HboneDial implements Dial, HbonePool.Opening {
  /** Longest value that Kubernetes takes for a label; longer ones tell nothing. */
  private static final int MAX_VALUE_LENGTH = 63;

  private final Upstream owner;
  private final UpstreamLoop loop;
  private final LocalPod pod;
  private final PoolKey key;
  private final TlsIdentity identity;
  private final HboneRequest request;
  private @Nullable Runnable giveUp; // what is not answered yet
  private @Nullable HboneStream reached;
  private boolean ended;

  HboneDial(
      Upstream owner,
      UpstreamLoop loop,
      LocalPod pod,
      PoolKey key,
      TlsIdentity identity,
      HboneRequest request) {
    this.owner = owner;
    this.loop = loop;
    this.pod = pod;
    this.key = key;
    this.identity = identity;
    this.request = request;
  }

  /** What is asked, and told of the caller for the telemetry of the other side. */
  static HboneRequest request(
      Workload caller, InetSocketAddress client, InetSocketAddress destination, boolean check) {
    return new HboneRequest(
        destination,
        "for=\"" + IpAddresses.text(client) + "\"", // quoted for its colon, RFC 7239 §4 and §6
        baggage(caller),
        check);
  }

  /** The keys that Istio's ambient mode uses. */
  private static String baggage(Workload caller) {
    return "k8s.namespace.name="
        + encoded(caller.name().namespace())
        + ",k8s.pod.name="
        + encoded(caller.name().name())
        + ",service.name="
        + encoded(caller.app())
        + ",service.version="
        + encoded(caller.version());
  }

  /** Labels come from the registry as they were written: W3C Baggage §3.3.1.2 wants them so. */
  private static String encoded(String value) {
    String shown = value.length() <= MAX_VALUE_LENGTH ? value : "";
    return URLEncoder.encode(shown, StandardCharsets.UTF_8).replace("+", "%20");
  }

  @Override
  public void start() {
    giveUp =
        loop.pool.open(
            key, identity, pod.budget, pod.account, request, owner.connectTimeout(), this);
  }

  @Override
  public void opened(HboneStream stream) {
    if (ended) {
      stream.reset();
    } else {
      reached = stream;
      owner.opened(stream);
    }
  }

  @Override
  public void failed(OpenFailure failure) {
    if (ended) {
      return;
    }
    ended = true;
    if (failure.kind() == OpenFailure.Kind.NO_SOCKET) {
      loop.means.failed("socket-open-failed", pod.name, failure.causeOrNull());
    }
    owner.failed(failure.reason());
  }

  /**
   * Where the pod proves itself otherwise since, or their connection is to end, another is used.
   */
  @Override
  public boolean isCurrent() {
    HboneStream stream = reached;
    return stream != null
        && stream.mayHaveOthers()
        && loop.means.identities.of(key.source()).orElse(null) == identity;
  }

  @Override
  public void end() {
    ended = true;
    Runnable waits = giveUp;
    if (reached == null && waits != null) {
      waits.run();
    }
  }
}
