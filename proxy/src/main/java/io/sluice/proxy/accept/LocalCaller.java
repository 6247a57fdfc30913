package io.sluice.proxy.accept;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.upstream.LocalDial;
import io.sluice.proxy.upstream.LocalPod;
import org.jspecify.annotations.Nullable;

/** Who calls from another pod of this node: the outbound side that asks in this process says so. */
final class LocalCaller extends Caller {
  private final LocalDial asked;

  LocalCaller(DataPath path, Pod pod, Loop loop, LocalDial asked) {
    super(path, pod, loop);
    this.asked = asked;
  }

  @Override
  void introduce(MeshSnapshot snapshot, Subject subject) {
    NamespacedName source = asked.caller().name;
    subject.calls(asked.flow().destination());
    subject.clientIs(
        source,
        asked.flow().sourceAddress(),
        snapshot.identityOf(source).orElse(null),
        snapshot.identityOf(pod.name).orElse(null));
  }

  @Override
  boolean hasAnotherWay() {
    return true;
  }

  @Override
  void taken() {
    asked.take();
  }

  @Override
  boolean isOurOwn() {
    return true;
  }

  @Override
  LocalPod dialsInside() {
    return asked.caller();
  }

  @Override
  @Nullable Caller ofNextOrNull() {
    return null;
  }

  @Override
  void find(MeshSnapshot snapshot, Subject subject, Connection connection) {
    introduce(snapshot, subject);
    call(snapshot, asked.flow(), subject, connection);
  }
}
