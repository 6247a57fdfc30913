package io.sluice.mesh;

import io.sluice.api.resources.v1.FaultAbort;
import io.sluice.api.resources.v1.FaultDelay;

/** Faults of routes as messages and back. */
final class FaultCodec {
  private static final String ABORT = "rules.faults.abort";

  private FaultCodec() {}

  static io.sluice.api.resources.v1.Faults message(Faults faults) {
    var message = io.sluice.api.resources.v1.Faults.newBuilder();
    Faults.Injection by = faults.byOrNull();
    if (by != null) {
      message.setInjection(by.name().toString());
    }
    Faults.Delay delay = faults.delayOrNull();
    if (delay != null) {
      message.setDelay(
          FaultDelay.newBuilder()
              .setPercentage(delay.percentage())
              .setMinMillis(delay.minMillis())
              .setMaxMillis(delay.maxMillis()));
    }
    Faults.Abort abort = faults.abortOrNull();
    if (abort != null) {
      FaultAbort.Builder told =
          FaultAbort.newBuilder()
              .setPercentage(abort.percentage())
              .setStatus(abort.status())
              .setContent(abort.content());
      abort.headers().forEach(header -> told.addHeaders(FilterCodec.message(header)));
      message.setAbort(told);
    }
    return message.build();
  }

  static Faults model(io.sluice.api.resources.v1.Faults message, Checks checks) {
    FaultDelay delay = message.getDelay();
    String by = message.getInjection();
    return new Faults(
        by.isEmpty()
            ? null
            : checks.value(
                "rules.faults.injection", () -> new Faults.Injection(NamespacedName.parse(by))),
        message.hasDelay()
            ? checks.value(
                "rules.faults.delay",
                () ->
                    new Faults.Delay(
                        delay.getPercentage(), delay.getMinMillis(), delay.getMaxMillis()))
            : null,
        message.hasAbort() ? abort(message.getAbort(), checks) : null);
  }

  private static Faults.Abort abort(FaultAbort abort, Checks checks) {
    return checks.value(
        ABORT,
        () ->
            new Faults.Abort(
                abort.getPercentage(),
                abort.getStatus(),
                FilterCodec.changes(ABORT, abort.getHeadersList(), checks),
                abort.getContent()));
  }
}
