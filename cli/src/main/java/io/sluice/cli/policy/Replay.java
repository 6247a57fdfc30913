package io.sluice.cli.policy;

import io.sluice.mesh.Access;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.flows.RecordedFlow;
import io.sluice.node.flows.RecordedFlow.Asked;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a snapshot says of recorded flows. Pods that it does not know are what they were when they
 * were recorded: they may be gone, or the snapshot be of policy alone.
 */
final class Replay {
  /** Stands for addresses that no verdict rests on; of no pod (RFC 5737). */
  private static final InetAddress NOWHERE = IpAddresses.parse("192.0.2.1");

  private static final int SOME_PORT = 1;

  private MeshSnapshot snapshot;

  Replay(MeshSnapshot candidate) {
    snapshot = candidate;
  }

  /**
   * What is said of a flow.
   *
   * @param verdict by what is known of it
   * @param doubt why it may be another one in truth; empty where it is sure
   */
  record Said(Verdict verdict, String doubt) {
    /** For people. */
    String word() {
      return !doubt.isEmpty() ? "depends" : verdict.isAllowed() ? "allowed" : "refused";
    }
  }

  /** What the snapshot says of {@code flow}. */
  Said decide(RecordedFlow flow) {
    know(flow.sourceOrNull(), flow.sourceIdentityOrNull());
    know(flow.destinationOrNull(), flow.destinationIdentityOrNull());
    Flow asked = asked(flow);
    Asked request = flow.askedOrNull();
    if (request == null) {
      Verdict verdict = decide(flow, asked, null);
      return new Said(verdict, doubtOfBytes(flow, asked, verdict));
    }
    Known known = new Known(request);
    Verdict verdict = decide(flow, asked.byRequest(), known);
    // An Egress or IngressBackend that refuses it by a header is no permission of the snapshot.
    boolean byRequest =
        verdict.reason() == Reason.ROUTE_NOT_GRANTED
            || verdict
                .rule()
                .flatMap(snapshot::permission)
                .filter(permission -> permission.access() instanceof Access.Requests)
                .isPresent();
    return new Said(verdict, byRequest ? known.doubt(verdict) : doubtOfTls(verdict));
  }

  private static String doubtOfTls(Verdict verdict) {
    return verdict.reason() == Reason.INGRESS_TLS_REFUSED
        ? "what a client outside the mesh showed in TLS is not recorded"
        : "";
  }

  private Verdict decide(RecordedFlow flow, Flow asked, @Nullable HttpRequest requestOrNull) {
    NamespacedName destination = flow.destinationOrNull();
    return destination == null
        ? Decisions.decide(snapshot, asked, requestOrNull)
        : Decisions.decideAt(snapshot, destination, asked, requestOrNull);
  }

  /** A connection as a whole may have carried requests, of which the candidate grants some. */
  private String doubtOfBytes(RecordedFlow flow, Flow asked, Verdict verdict) {
    NamespacedName destination = flow.destinationOrNull();
    if (verdict.reason() != Reason.HTTP_ONLY || destination == null) {
      return doubtOfTls(verdict);
    }
    boolean isHttp =
        snapshot
            .workload(destination)
            .flatMap(workload -> workload.addresses().stream().findFirst())
            .map(address -> asked.to(new InetSocketAddress(address, flow.port())))
            .map(to -> Handling.of(snapshot, Direction.INBOUND, destination, to).isHttp())
            .orElse(true);
    if (!isHttp) {
      return "";
    }
    return flow.verdict().isAllowed()
        ? "it was carried as bytes, so its requests are not known"
        : "it was refused before a request came";
  }

  private Flow asked(RecordedFlow flow) {
    boolean leaves = flow.destinationOrNull() == null;
    InetAddress address = flow.address().isEmpty() ? NOWHERE : IpAddresses.parse(flow.address());
    SpiffeId caller = flow.sourceIdentityOrNull();
    boolean byCertificate = caller != null && (flow.certified() || flow.sourceOrNull() == null);
    return new Flow(
        flow.sourceOrNull(),
        byCertificate ? here(caller, flow.foreign()) : null,
        byCertificate && flow.foreign(),
        new InetSocketAddress(leaves ? NOWHERE : address, SOME_PORT),
        new InetSocketAddress(leaves ? address : NOWHERE, flow.port()),
        false);
  }

  private @Nullable SpiffeId here(@Nullable SpiffeId identity, boolean foreign) {
    TrustDomain domain = snapshot.settings().trustDomain();
    return identity == null || foreign ? identity : identity.in(domain);
  }

  private void know(@Nullable NamespacedName podOrNull, @Nullable SpiffeId identityOrNull) {
    if (podOrNull == null || identityOrNull == null || snapshot.workload(podOrNull).isPresent()) {
      return;
    }
    SnapshotEditor editor = snapshot.edit();
    editor.put(
        new Workload(
            podOrNull,
            identityOrNull.in(snapshot.settings().trustDomain()),
            List.of(),
            Map.of(),
            true,
            null,
            null,
            null,
            false,
            InterceptionSettings.EVERYTHING,
            Set.of(),
            MtlsMode.STRICT));
    snapshot = editor.snapshot(snapshot.revision() + 1);
  }

  /** A recorded request, which notes when it is asked for what was not recorded. */
  private static final class Known implements HttpRequest {
    private final Asked asked;
    private String missing = "";

    Known(Asked asked) {
      this.asked = asked;
    }

    @Override
    public String method() {
      return asked.method();
    }

    @Override
    public String authority() {
      return asked.authority();
    }

    @Override
    public String path() {
      return asked.path();
    }

    @Override
    public @Nullable String header(String name) {
      String value = asked.headers().get(name);
      if (value == null && !asked.absent().contains(name)) {
        missing = name;
      }
      return value;
    }

    String doubt(Verdict verdict) {
      if (asked.cut()) {
        return "its path or authority was too long to be recorded whole";
      }
      return verdict.isAllowed() || missing.isEmpty()
          ? ""
          : "its header " + missing + " was not recorded, since no policy matched on it";
    }
  }
}
