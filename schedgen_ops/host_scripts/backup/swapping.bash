# The note of data that is being exchanged, or was when the host went down.
#: state    our folder of state
#: patience seconds that who exchanges data there now is waited for
source lib/swapping.bash

exchanged "$patience"
