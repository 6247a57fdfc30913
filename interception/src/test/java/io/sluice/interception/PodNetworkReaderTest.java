package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which addresses are a pod's where registry and runtime do not say the same. */
class PodNetworkReaderTest {
  @ParameterizedTest
  @CsvSource({
    "'', 10.0.0.1 fd00::1, 10.0.0.1 fd00::1",
    "10.0.0.1 fd00::1, '', 10.0.0.1 fd00::1",
    "10.0.0.9 fd00::9, 10.0.0.1 fd00::1, 10.0.0.1 fd00::1",
    "fd00::9 10.0.0.1, 10.0.0.1 fd00::1, fd00::1 10.0.0.1",
    "10.0.0.1 10.0.0.7, 10.0.0.1, 10.0.0.1 10.0.0.7",
    "fd00::9, 10.0.0.1, fd00::9"
  })
  void ofAFamilyTheRegistryCountsWhereItNamesOneThatWasGiven(
      String registered, String given, String named) {
    assertThat(PodNetworkReader.named(addresses(registered), addresses(given)))
        .isEqualTo(addresses(named));
  }

  private static List<InetAddress> addresses(String text) {
    return Arrays.stream(text.split(" "))
        .filter(word -> !word.isEmpty())
        .map(IpAddresses::parse)
        .toList();
  }
}
