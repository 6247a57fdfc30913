package io.sluice.control.conditions;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.conditions.WriteLog.WishedStatus;
import io.sluice.control.kubernetes.ReportedObject;
import io.sluice.control.kubernetes.ReportedObject.Condition;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadableKind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** OSM's two words for a status, beside the conditions. */
class CurrentStatusTest {
  @ParameterizedTest
  @CsvSource({
    "INGRESS_BACKEND, True, committed",
    "INGRESS_BACKEND, False, error",
    "ACCESS_CONTROL, True, committed",
    "ISOLATION, True, committed",
    "EGRESS, False, error",
    "RETRY, True, committed",
    "TELEMETRY, False, error",
    "EXTENSION_SERVICE, True, ''",
    "UPSTREAM_TRAFFIC_SETTING, False, error",
    "TRAFFIC_SPLIT, True, ''",
  })
  void isSaidOfKindsOfItsPolicyGroup(ReadableKind kind, String accepted, String word) {
    ReportedObject object =
        new ReportedObject(
            kind,
            new ObjectRef(kind.group(), kind.kind(), "shop", "a"),
            "uid",
            "7",
            1,
            List.of(),
            Map.of(),
            List.of(),
            List.of(),
            true);
    Condition condition =
        new Condition("", Verdicts.ACCEPTED, accepted, 1, "2026-01-01T00:00:00Z", "Used", "why");

    JsonNode status = new WishedStatus(List.of(condition)).patch(object, "7").path("status");

    assertThat(status.path("currentStatus").asText()).isEqualTo(word);
    assertThat(status.path("reason").asText()).isEqualTo(word.isEmpty() ? "" : "why");
  }
}
