/* SPDX-License-Identifier: GPL-2.0 */
/* The headers of which Kbuild has bindgen make sound_bindings.rs. */
#include <sound/control.h>
#include <sound/core.h>
#include <sound/pcm.h>
#include <sound/tlv.h>
