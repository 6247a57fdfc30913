package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshKey;
import io.sluice.mesh.AppProtocol;
import java.util.Optional;

/** Whether ports of Services may be carried as HTTP. */
enum L7 {
  ON,
  OFF;

  /** What a Service or a Namespace says; a word that is none goes to {@code statuses}. */
  static Optional<L7> of(KubernetesObject object, Statuses statuses) {
    return Modes.annotation(object, MeshKey.L7, L7.class, ON, statuses);
  }

  /** What a port counts as that is declared {@code protocol}. */
  AppProtocol applied(AppProtocol protocol) {
    return this == OFF && protocol.mayBeHttp() ? AppProtocol.TCP : protocol;
  }
}
