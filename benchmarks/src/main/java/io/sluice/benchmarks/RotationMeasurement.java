package io.sluice.benchmarks;

import io.sluice.lab.demo.RotationTrial;
import java.time.Duration;
import java.util.List;

/** New and held connections between two nodes while every certificate and the root change. */
final class RotationMeasurement {
  static final Duration LENGTH = Duration.ofMinutes(10);
  static final Duration QUICK_LENGTH = Duration.ofMinutes(2);

  private static final int PER_SECOND = 500;
  private static final int HELD = 50;

  private RotationMeasurement() {}

  /** Fails when a single connection does. */
  static List<Figure> run(String nodeName, Duration length) throws Exception {
    RotationTrial.Result result = RotationTrial.run(nodeName, length, PER_SECOND, HELD);
    if (!result.isFlawless()) {
      throw new IllegalStateException("connections failed, or nothing was rotated: " + result);
    }
    return List.of(
        figure(
            "rate",
            "new connections while certificates change",
            "1/s",
            result.traffic().perSecond()),
        figure("failed", "of them failed", "", result.traffic().failed()),
        figure("held", "held connections that broke", "", result.traffic().heldFailed()),
        figure("longest", "the slowest new connection", "ms", result.traffic().longestMillis()),
        figure("leaves", "certificates of the client meanwhile", "", result.leaves()),
        figure("roots", "roots meanwhile", "", result.roots()));
  }

  private static Figure figure(String id, String label, String unit, double value) {
    return Figure.ofDaemon("rotation." + id, label, unit, List.of(value));
  }
}
