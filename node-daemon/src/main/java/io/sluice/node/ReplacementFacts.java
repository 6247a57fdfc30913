package io.sluice.node;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.node.cni.CniOptions;
import io.sluice.node.cni.ReplacementMode;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.placement.SandboxRecords;
import io.sluice.node.replacement.Replacements;
import java.util.Optional;

/** What decides whether a pod starts in the place of another on this node. Any thread. */
record ReplacementFacts(
    SandboxRecords sandboxes, Optional<NodeIdentities> identities, SourceInUse source)
    implements Replacements.Facts {
  /** A registry that the node reads itself is never away, so no pod is replaced beside it. */
  Replacements replacements(NodeSettings settings) {
    CniOptions cni = settings.cni();
    return new Replacements(
        source.stored().isPresent() ? cni.replacement() : ReplacementMode.NEVER,
        settings.nodeName(),
        cni.visibleKubeletDirectory(),
        this);
  }

  @Override
  public boolean isHere(NamespacedName pod) {
    return sandboxes.of(pod).isPresent();
  }

  @Override
  public boolean hasCertificate(SpiffeId identity) {
    return identities.flatMap(present -> present.of(identity)).isPresent();
  }

  @Override
  public boolean isToldOfEveryPod() {
    return source.tellsOfEveryPod();
  }
}
