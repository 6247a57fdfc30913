/** What tests of the data path share: {@code Peers} stands in for applications. */
@NullMarked
package io.sluice.proxy;

import org.jspecify.annotations.NullMarked;
