package io.sluice.proxy.accept;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.hbone.HboneExchange;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Who opened a stream from another node: the certificate says so. */
final class StreamCaller extends Caller {
  private final HboneExchange asked;

  StreamCaller(DataPath path, Pod pod, Loop loop, HboneExchange asked) {
    super(path, pod, loop);
    this.asked = asked;
  }

  @Override
  void introduce(MeshSnapshot snapshot, Subject subject) {
    introduce(snapshot, subject, null);
  }

  private void introduce(
      MeshSnapshot snapshot, Subject subject, @Nullable NamespacedName sourceOrNull) {
    subject.calls(asked.request().destination());
    subject.clientIs(
        sourceOrNull,
        asked.remoteAddress(),
        asked.peer().in(snapshot),
        snapshot.identityOf(pod.name).orElse(null));
    subject.haveProvenThemselves();
  }

  @Override
  @Nullable Caller ofNextOrNull() {
    return new StreamCaller(path, pod, loop, asked);
  }

  @Override
  void find(MeshSnapshot snapshot, Subject subject, Connection connection) {
    InetSocketAddress destination = asked.request().destination();
    Flow flow = asked.peer().flow(snapshot, asked.remoteAddress(), destination);
    introduce(snapshot, subject, flow.sourceOrNull());
    if (isOfPod(snapshot, destination)) {
      call(snapshot, flow, subject, connection);
    } else {
      connection.refused(Verdict.of(Outcome.REFUSED, Reason.WRONG_DESTINATION), CloseKind.REFUSED);
    }
  }

  /** Anything else would let a peer reach, from inside the pod, what only the pod may reach. */
  private boolean isOfPod(MeshSnapshot snapshot, InetSocketAddress destination) {
    return snapshot
        .workload(pod.name)
        .filter(workload -> workload.addresses().contains(destination.getAddress()))
        .isPresent();
  }
}
