package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;
import java.util.List;

/** Is told of connections that are older than their pod's enrolment. */
@FunctionalInterface
public interface EarlierConnectionsListener {
  /** {@code action} was taken on these, never none; on the enrolment thread. */
  void taken(EarlierAction action, NamespacedName pod, List<EarlierConnection> connections);
}
