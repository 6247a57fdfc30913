package io.sluice.mesh;

import java.time.Duration;
import java.util.function.Consumer;

/** Settings that differ from others in what a test says. */
public final class SettingsDraft {
  public Retirement retirement;
  public Duration answerTimeout;
  public boolean balancesHttp1;
  public Reporting reporting;

  private SettingsDraft(MeshSettings base) {
    retirement = base.retirement();
    answerTimeout = base.answerTimeout();
    balancesHttp1 = base.balancesHttp1();
    reporting = base.reporting();
  }

  /** As {@code base} but for what is changed. */
  public static MeshSettings of(MeshSettings base, Consumer<SettingsDraft> change) {
    SettingsDraft draft = new SettingsDraft(base);
    change.accept(draft);
    return new MeshSettings(
        base.permissive(),
        base.egress(),
        base.trustDomain(),
        base.mutualTls(),
        base.denied(),
        base.revoked(),
        draft.retirement,
        draft.answerTimeout,
        base.isolated(),
        base.authorizationOrNull(),
        base.tls(),
        base.logs(),
        base.federated(),
        base.nodeResolvers(),
        base.names(),
        base.healthChecks(),
        base.flagsOrNull(),
        base.leafLifetimeOrNull(),
        draft.balancesHttp1,
        draft.reporting);
  }
}
