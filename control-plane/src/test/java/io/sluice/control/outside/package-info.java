@NullMarked
package io.sluice.control.outside;

import org.jspecify.annotations.NullMarked;
