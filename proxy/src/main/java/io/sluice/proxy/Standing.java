package io.sluice.proxy;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Grant;
import io.sluice.mesh.decision.Verdict;
import org.jspecify.annotations.Nullable;

/** What policy has allowed of one connection, and whether it still does. Its event loop. */
final class Standing {
  private @Nullable Grant grant;
  private @Nullable MeshSnapshot admittedBy; // until it is open

  void allowed(Grant granted, MeshSnapshot snapshot) {
    grant = granted;
    admittedBy = snapshot;
  }

  /**
   * The refusal of one that policy has allowed and whose upstream has now been reached; null where
   * it may open. It is to be asked once.
   */
  @Nullable Verdict refusalAtOpening(MeshSnapshot now) {
    Verdict answer = admittedBy == now ? null : refusal(now);
    admittedBy = null;
    return answer;
  }

  /** The refusal for which an open one is to end; null where it may go on. */
  @Nullable Verdict revocation(MeshSnapshot now) {
    Verdict answer = refusal(now);
    return answer != null && grant != null && grant.closes(now) ? answer : null;
  }

  private @Nullable Verdict refusal(MeshSnapshot now) {
    Grant held = grant;
    Verdict answer = held == null ? null : held.verdict(now).orElse(null);
    if (held == null || answer == null || !answer.isAllowed()) {
      return answer;
    }
    grant = held.renewed(now, answer);
    return null;
  }
}
