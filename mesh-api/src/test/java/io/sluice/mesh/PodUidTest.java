package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PodUidTest {
  private static final String UUID = "0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c";
  private static final String HASH = "d41d8cd98f00b204e9800998ecf8427e";

  @Test
  void isAUuidOrTheHashOfAStaticPod() {
    assertThat(new PodUid(UUID)).hasToString(UUID);
    assertThat(new PodUid(UUID).isOfStaticPod()).isFalse();
    assertThat(new PodUid(HASH).isOfStaticPod()).isTrue();
  }

  @Test
  void isTheSameInCapitals() {
    assertThat(PodUid.find("0B6CD7B5-4F4E-4B0A-9C1E-5F1D2E3A4B5C")).contains(new PodUid(UUID));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "web",
        "0b6cd7b5_4f4e_4b0a_9c1e_5f1d2e3a4b5c",
        "0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5",
        "0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c\n",
        "../0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4",
        "d41d8cd98f00b204e9800998ecf8427",
        "g41d8cd98f00b204e9800998ecf8427e"
      })
  void isNothingElse(String text) {
    assertThat(PodUid.find(text)).isEmpty();
    assertThatThrownBy(() -> new PodUid(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is not the UID of a Pod");
  }
}
