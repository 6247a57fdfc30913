package io.sluice.control.xds.stream;

import io.sluice.control.xds.translate.XdsResource;
import io.sluice.control.xds.translate.XdsType;
import java.util.List;

/**
 * One response, of either variant of the protocol.
 *
 * @param version of everything of the type that the client has when it has taken this
 * @param removed names of what is no more; not told where the variant has no word for it
 */
record Batch(
    XdsType type,
    String nonce,
    String version,
    List<XdsResource> resources,
    List<String> removed) {}
