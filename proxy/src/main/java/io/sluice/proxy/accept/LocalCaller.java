package io.sluice.proxy.accept;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Flow;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.upstream.LocalDial;
import io.sluice.proxy.upstream.Upstream;

/** Who calls from another pod of this node by a connection that this process holds. */
final class LocalCaller extends Caller {
  private final LocalDial asked;

  LocalCaller(DataPath path, Pod pod, Loop loop, LocalDial asked) {
    super(path, pod, loop);
    this.asked = asked;
  }

  @Override
  void introduce(MeshSnapshot snapshot, Subject subject) {}

  @Override
  void find(MeshSnapshot snapshot, Subject subject, Upstream.Listener connection) {
    NamespacedName source = asked.caller().name;
    subject.calls(asked.destination());
    subject.clientIs(source, asked.client(), snapshot.identityOf(source).orElse(null), null);
    Flow flow = new Flow(source, asked.client(), asked.destination());
    call(snapshot, flow, subject, connection, asked.caller());
  }
}
