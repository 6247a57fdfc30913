package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * Whose pins these are.
 *
 * @param schemaVersion {@code SLUICE_SCHEMA_VERSION} of the maps
 * @param bootId kernel's boot id when they were made
 * @param nodeName of the daemon that made them
 */
public record InstallationValue(int schemaVersion, String bootId, String nodeName) {
  /** Mirrors {@code struct installation}. */
  public static final StructCodec<InstallationValue> CODEC =
      new StructCodec<>(
          "installation",
          304,
          List.of(
              new Field("schema_version", 0, 4),
              new Field("boot_id", 8, 40),
              new Field("node_name", 48, 256)),
          (value, struct) -> {
            struct.putInt(0, value.schemaVersion);
            Wire.putText(struct, 8, 40, value.bootId);
            Wire.putText(struct, 48, 256, value.nodeName);
          },
          struct ->
              new InstallationValue(
                  struct.getInt(0), Wire.text(struct, 8, 40), Wire.text(struct, 48, 256)));
}
