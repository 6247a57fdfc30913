package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailedRequestsTest {
  @ParameterizedTest
  @CsvSource({
    "200, '', -, false",
    "101, '', -, false",
    "404, '', -, false", // the caller's mistake, told whole
    "500, '', -, true",
    "0, '', -, true",
    "200, 0, -, false",
    "200, 14, -, true",
    "200, other, -, true",
    "200, '', DI, false",
    "301, '', NR, false",
    "503, '', URX, true",
    "403, '', RBACAF, true",
    "200, '', UC, true", // cut off in the midst of it
    "-1, other, other, true"
  })
  void areThoseWithoutAWholeAnswerAndThoseWhoseAnswerSaysSo(
      int code, String grpcStatus, String flags, boolean failed) {
    assertThat(FailedRequests.include(code, grpcStatus, flags)).isEqualTo(failed);
  }
}
